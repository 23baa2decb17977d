package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/cmd/internal/app"
	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/cmd/internal/control"
	"wesouthasians.org/sangam/cmd/internal/telemetry"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

func newServe(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the services", Args: arguments(0, 0),
		Long: "Run the services until SIGINT or SIGTERM, then drain: listeners close at once, sessions may end (at most 30 s), what is\n" +
			"not delivered stays in the queue. SIGHUP reloads certificates and the level of the log.",
		Example: "  sangam serve\n  sangam serve -c /etc/sangam/config.toml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if e.site != nil {
				return usagef("this is the server already")
			}
			c, err := e.config()
			if err != nil {
				return err
			}
			st, err := e.openStore(c)
			if errors.Is(err, bolt.ErrLocked) {
				return fmt.Errorf("another sangam uses the data folder %s: stop it first, or name another configuration with --config", c.Data)
			}
			if err != nil {
				return err
			}
			return errors.Join(e.serve(cmd.Context(), c, st), st.Close())
		},
	}
}

func (e *env) serve(ctx context.Context, c *config.Config, st *store.Store) error {
	var level slog.LevelVar
	level.Set(telemetry.Level(c.Log.Level))
	a, err := e.newApp(c, st, telemetry.NewHandler(e.stderr, c.Log.Format, &level))
	if err != nil {
		return err
	}
	if err := a.Listen(); err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-hup:
				e.reload(a, &level)
			case <-done:
				return
			}
		}
	}()
	fmt.Fprintf(e.stdout, "ready: %s\n", a.Listening())
	return a.Run(ctx)
}

// newApp makes a server in which commands can act.
func (e *env) newApp(c *config.Config, st *store.Store, log slog.Handler) (*app.App, error) {
	var a *app.App
	run := func(ctx context.Context, r control.Request, stdin io.Reader, stdout, stderr io.Writer) (status int) {
		defer func() {
			if v := recover(); v != nil {
				a.Log().Error("panic in a command", "args", r.Args, "panic", v, "stack", string(debug.Stack()))
				fmt.Fprintln(stderr, "the command failed inside the server: see its log")
				status = 1
			}
		}()
		inside := &env{stdin: stdin, stdout: stdout, stderr: stderr, dir: r.Dir, width: r.Width, getenv: e.getenv, args: r.Args,
			site: &site{st, c, a.Parts, a.Log(), a.Keys, a}}
		return inside.run(ctx)
	}
	now, offset, err := app.Clock(e.getenv)
	if err != nil {
		return nil, usage{err}
	}
	if offset != 0 {
		slog.New(log).Warn("the clock is shifted by SANGAM_CLOCK_OFFSET, which is for tests", "by", offset)
	}
	a, err = app.New(app.Options{Config: c, Store: st, Log: log, Now: now, Control: run})
	return a, err
}

func (e *env) reload(a *app.App, level *slog.LevelVar) {
	c, err := e.config()
	if err != nil {
		a.Log().Error("the configuration was not reloaded", "error", err)
		return
	}
	a.Reload(c, level)
}
