package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/cmd/internal/app"
	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/cmd/internal/control"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

// env is where a command runs: in a process of its own, or in the server on behalf of one.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	dir            string // relative paths are below it
	width          int    // of the terminal on stderr; 0: it is none
	getenv         func(string) string
	args           []string

	site *site // set in the server

	configFile string // --config
	json       bool   // --json
}

// site is the open store with its configuration.
type site struct {
	*store.Store
	config *config.Config
	parts  *app.Parts
	log    *slog.Logger
	keys   *dkim.Ring // of the server; nil outside of it
	server *app.App   // nil outside of it
}

// run executes the command line and returns the exit status: 0 done, 1 failed, 2 wrong usage or configuration.
func (e *env) run(ctx context.Context) int {
	root := newRoot(e)
	root.SetArgs(e.args)
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	err := root.ExecuteContext(ctx)
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(e.stderr, "stopped")
		return 1
	}
	fmt.Fprintln(e.stderr, err)
	if isUsage(err) {
		return 2
	}
	return 1
}

// exitStatus is the status of a command that has said all itself.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usage is an error of who typed the command.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

func isUsage(err error) bool {
	var u usage
	var p config.Problems
	return errors.As(err, &u) || errors.As(err, &p) || errors.Is(err, config.ErrNone) || strings.HasPrefix(err.Error(), "unknown command")
}

// config loads the configuration that the command line names.
func (e *env) config() (*config.Config, error) {
	file, err := config.Find(e.configFile, e.dir)
	if err != nil {
		return nil, err
	}
	return config.Load(file, e.getenv)
}

// path makes a path of the command line absolute.
func (e *env) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(e.dir, p)
}

// action is the part of a command that acts on the store.
type action func(ctx context.Context, s *site, args []string) error

// onStore runs an action in the server when one is up, else on the store itself.
func (e *env) onStore(act action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if e.site != nil {
			return act(cmd.Context(), e.site, args)
		}
		c, err := e.config()
		if err != nil {
			return err
		}
		if err := e.call(cmd.Context(), c); !errors.Is(err, control.ErrNobody) {
			return err
		}
		st, err := e.openStore(c)
		if errors.Is(err, bolt.ErrLocked) {
			// A server that is just coming up has the store before it has the socket.
			if err := e.call(cmd.Context(), c); !errors.Is(err, control.ErrNobody) {
				return err
			}
		}
		if err != nil {
			return err
		}
		quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
		now, _, err := app.Clock(e.getenv)
		if err != nil {
			return errors.Join(usage{err}, st.Close())
		}
		parts := app.NewParts(c, st, now, quiet)
		err = act(cmd.Context(), &site{Store: st, config: c, parts: parts, log: quiet}, args)
		return errors.Join(err, parts.Search.Close(), st.Close())
	}
}

// call runs this command line in the server.
func (e *env) call(ctx context.Context, c *config.Config) error {
	request := control.Request{Args: e.args, Dir: e.dir, Width: e.width}
	status, err := control.Call(ctx, c.Socket(), request, e.stdin, e.stdout, e.stderr)
	if err == nil && status != 0 {
		err = exitStatus(status)
	}
	return err
}

// openStore makes the data folder when it is missing, and brings a store of an earlier sangam up to date.
func (e *env) openStore(c *config.Config) (*store.Store, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	kept, err := bolt.Upgrade(c.Store(), e.progress("bringing the store up to date"))
	if err != nil {
		return nil, err
	}
	if kept != "" {
		fmt.Fprintf(e.stderr, "the store was brought up to date; as it was it is kept as %s: remove that when all is well\n", kept)
	}
	engine, err := bolt.Open(c.Store())
	if err != nil {
		return nil, err
	}
	st, err := store.Open(engine)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return st, nil
}

// list finds a list by what the command line calls it.
func (s *site) list(name string) (store.List, error) {
	l, err := s.ListByMailboxName(name, s.config.Domains[0])
	if errors.Is(err, store.ErrNotFound) {
		return l, fmt.Errorf("there is no list %s: `sangam list ls` shows all", name)
	}
	return l, err
}

// name is what the command line, IMAP and the pages call a list.
func (s *site) name(l store.List) string { return l.MailboxName(s.config.Domains[0]) }

// address reads a mail address of the command line.
func address(text string) (store.Address, error) {
	a, err := store.ParseAddress(text)
	if err != nil {
		return "", usagef("%q is %w", text, err)
	}
	return a, nil
}

// assign runs set for each key=value and returns every mistake.
func assign(pairs []string, set func(key, value string) error) error {
	var mistakes []error
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			mistakes = append(mistakes, fmt.Errorf("%q is no setting: write key=value", pair))
		} else if err := set(key, value); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	if len(mistakes) > 0 {
		return usage{errors.Join(mistakes...)}
	}
	return nil
}

// number reads an ID of the command line.
func number(text, of string) (uint64, error) {
	var n uint64
	if _, err := fmt.Sscanf(text, "%d", &n); err != nil || fmt.Sprint(n) != text || n == 0 {
		return 0, usagef("%q is no ID: `sangam %s ls` shows them", text, of)
	}
	return n, nil
}

// stamp is a time for a row; nil when there is none.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Second)
}
