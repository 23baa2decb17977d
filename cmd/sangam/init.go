package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/cmd/internal/zone"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/store"
)

func newInit(e *env) *cobra.Command {
	var domain, admin, dir string
	cmd := &cobra.Command{
		Use: "init", Short: "Write a configuration and make the data folder", Args: arguments(0, 0),
		Long: "Write a commented config.toml, never over one that exists, make the data folder and the DKIM keys, and print the DNS records to publish\n" +
			"and the next two commands.",
		Example: "  sangam init --domain lists.example.org --admin asha@example.org\n  sangam init --dir /etc/sangam --domain lists.example.org",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := store.ParseAddress("postmaster@" + domain)
			if err != nil {
				return usagef("%q is no domain name: use one like lists.example.org", domain)
			}
			if admin == "" {
				admin = "admin@" + d.Domain()
			}
			a, err := address(admin)
			if err != nil {
				return err
			}
			file := filepath.Join(e.path(dir), "config.toml")
			if err := writeConfig(file, d.Domain(), string(a)); err != nil {
				return err
			}
			c, err := config.Load(file, func(string) string { return "" })
			if err != nil {
				return err
			}
			st, err := e.openStore(c)
			if err != nil {
				return err
			}
			if err := st.Close(); err != nil {
				return err
			}
			ring, err := dkim.Open(c.Keys(), c.DKIM.Selector)
			if err != nil {
				return err
			}
			records, err := zone.Records(c, ring)
			if err != nil {
				return err
			}
			return e.sayNext(c, recordRows(records))
		},
	}
	cmd.Flags().StringVar(&domain, "domain", "lists.example.org", "mail `DOMAIN` of the lists")
	cmd.Flags().StringVar(&admin, "admin", "", "`ADDRESS` of the site administrator (default admin@DOMAIN)")
	cmd.Flags().StringVar(&dir, "dir", ".", "`FOLDER` of config.toml")
	return cmd
}

func writeConfig(file, domain, admin string) error {
	text := config.Example
	for key, value := range map[string]string{"hostname": strconv.Quote(domain), "domains": "[" + strconv.Quote(domain) + "]",
		"admins": "[" + strconv.Quote(admin) + "]"} {
		text = regexp.MustCompile(`(?m)^`+key+` = .*$`).ReplaceAllLiteralString(text, key+" = "+value)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	// It may come to hold the password of the relay.
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists and was left as it is: edit it, or use --dir with another folder", file)
	}
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func (e *env) sayNext(c *config.Config, records []row) error {
	fmt.Fprintf(e.stdout, "wrote %s and made %s with the DKIM keys\n\nDNS records to publish (this machine must answer at %s, with a reverse record of that name):\n", c.File, c.Data, c.Hostname)
	if err := e.printRows(records, "type", "name", "value"); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, `
If a relay sends your mail, SPF must name it instead: ask its operator for the record. `+"`sangam dns`"+` shows all this again.

Before members read mail: set smtp.listen (or lmtp_listen), web.url and [delivery] in %s.
Then:
  sangam list create NAME --owner %s -c %s
  sangam serve -c %s
`, c.File, c.Admins[0], c.File, c.File)
	return nil
}
