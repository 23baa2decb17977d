package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/cmd/internal/app"
	"wesouthasians.org/sangam/cmd/internal/telemetry"
)

func newDemo(e *env) *cobra.Command {
	var dir string
	var once bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Run the whole system on this machine, with a sample community and no outside mail", Args: arguments(0, 0),
		Long: "Run the whole system on this machine, with a sample community: every service on loopback, a list with members, a small\n" +
			"conversation posted through SMTP, and every copy that went out in a folder. It stays up until it is interrupted.",
		Example: "  sangam demo\n  sangam demo --dir ~/sangam-demo\n  sangam demo --once",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &demo{env: e, dir: e.path(dir), once: once}
			if dir == "" {
				temporary, err := os.MkdirTemp("", "sangam-demo-")
				if err != nil {
					return fmt.Errorf("make a folder: %w", err)
				}
				defer os.RemoveAll(temporary)
				d.dir, d.temporary = temporary, true
			}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`FOLDER` to work in, which is kept (default: a temporary one, which is not)")
	cmd.Flags().BoolVar(&once, "once", false, "use free ports, check every copy, and end")
	return cmd
}

// demo is one run of the command.
type demo struct {
	*env
	dir             string
	temporary, once bool
	app             *app.App
	site            *site
}

func (d *demo) run(ctx context.Context) error {
	c, err := d.configure()
	if err != nil {
		return err
	}
	fmt.Fprintf(d.stdout, "Sangam demo in %s", d.dir)
	if d.temporary {
		fmt.Fprint(d.stdout, " (removed at the end; --dir FOLDER keeps it)")
	}
	fmt.Fprintln(d.stdout)
	log, err := os.OpenFile(filepath.Join(d.dir, "log.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer log.Close()
	st, err := d.openStore(c)
	if err != nil {
		return err
	}
	if d.app, err = d.newApp(c, st, telemetry.NewHandler(log, c.Log.Format, &slog.LevelVar{})); err == nil {
		d.site = &site{st, c, d.app.Parts, slog.New(slog.DiscardHandler), d.app.Keys, d.app}
		err = d.app.Listen()
	}
	if err != nil {
		return errors.Join(err, st.Close())
	}
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.app.Run(serving) }()
	err = d.show(ctx)
	if err == nil && !d.once {
		d.sayTry()
		select {
		case <-ctx.Done():
			fmt.Fprintln(d.stdout, "Stopping.")
		case err = <-ended:
			ended <- nil
		}
	}
	stop()
	return errors.Join(err, <-ended, st.Close())
}

// show makes the community and its conversation, and shows where the copies went.
func (d *demo) show(ctx context.Context) error {
	list, err := d.community(ctx)
	if err != nil {
		return err
	}
	copies, err := d.converse(ctx, list)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.stdout, "\n%d copies went out, each as it should be.\n", copies)
	return nil
}

func (d *demo) sayTry() {
	c := d.site.config
	who := people[0].address
	_, port, _ := net.SplitHostPort(d.app.Addr("smtp"))
	fmt.Fprintf(d.stdout, `
Try it (every member has the password %[1]q):
  browser      %[2]s/heplink/     log in at %[2]s/login as %[3]s
  mail client  IMAP at %[4]s without TLS, user %[3]s
  mutt         mutt -e 'set ssl_starttls=no imap_user="%[3]s" imap_pass="%[1]s"' -f imap://%[4]s/heplink
  post         swaks --server 127.0.0.1 --port %[5]s --from %[3]s --to heplink@%[6]s --header 'Subject: Hello'
  administer   %[10]s member ls heplink -c %[7]s
  copies       %[8]s
  log          %[9]s
It stays up. Ctrl-C ends it.
`, password, c.Web.URL, who, d.app.Addr("imap"), port, c.Domains[0], c.File, c.Delivery.CaptureDir, filepath.Join(d.dir, "log.txt"), program())
}

// program is how this program was started.
func program() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/sangam"
	}
	return os.Args[0]
}
