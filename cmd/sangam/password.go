package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newPassword(e *env) *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use: "password ADDRESS", Short: "Set the password of an account, for IMAP and the pages", Args: arguments(1, 1),
		Example: "  sangam password asha@example.org\n  sangam password asha@example.org --stdin < secret.txt",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			a, err := address(args[0])
			if err != nil {
				return err
			}
			password := strings.ToLower(rand.Text()[:20])
			if stdin {
				if password, err = readPassword(e.stdin); err != nil {
					return err
				}
			}
			if err := s.SetPassword(a, store.HashPassword(password), s.parts.Now()); err != nil {
				return err
			}
			if lists, err := s.MembershipsOf(a); err == nil && len(lists) == 0 {
				fmt.Fprintf(e.stderr, "note: %s is a member of no list\n", a)
			}
			switch {
			case e.json && stdin:
				return e.printJSON(row{"address": a})
			case e.json:
				return e.printJSON(row{"address": a, "password": password})
			case !stdin:
				fmt.Fprintln(e.stdout, password)
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&stdin, "stdin", false, "read the password from standard input (its first line) instead of making one")
	return e.jsonFlag(cmd)
}

const maxPassword = 1024

func readPassword(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxPassword+2)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" || len(line) > maxPassword {
		return "", usagef("the first line of standard input must be the password, of 1 to %d bytes", maxPassword)
	}
	return line, nil
}
