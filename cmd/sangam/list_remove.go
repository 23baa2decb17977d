package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func newListRemove(e *env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Delete a list with its members and archive", Args: arguments(1, 1),
		Example: "  sangam archive export heplink -o heplink.mbox\n  sangam list remove heplink --yes",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			if !yes {
				fmt.Fprintf(e.stderr, "This deletes %s, its members and its archive for ever. Type the name of the list to go on: ", l.Address())
				line, err := bufio.NewReader(io.LimitReader(e.stdin, 1000)).ReadString('\n')
				if err != nil && line == "" {
					fmt.Fprintln(e.stderr)
				}
				if answer := strings.TrimSpace(line); answer != l.Name && answer != string(l.Address()) {
					return fmt.Errorf("nothing was deleted: type the name of the list, or add --yes")
				}
			}
			if err := s.RemoveList(l.ID); err != nil {
				return err
			}
			s.log.Info("removed", "list", l.Address())
			fmt.Fprintf(e.stdout, "removed %s\n", l.Address())
			return nil
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
