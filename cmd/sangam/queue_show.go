package main

import (
	"context"
	"fmt"
	"maps"

	"github.com/spf13/cobra"
)

func newQueueShow(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "show ID", Short: "Show one job", Args: arguments(1, 1),
		Example: "  sangam queue show 12",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			j, err := s.job(args[0])
			if err != nil {
				return err
			}
			ds, err := s.Deferrals(j.ID)
			if err != nil {
				return err
			}
			rows, err := s.queueRows(j, ds)
			if err != nil {
				return err
			}
			whole := row{"id": j.ID, "number": j.Number, "recipient": "", "attempts": j.Attempts, "next_attempt": stamp(j.Next),
				"last_answer": j.LastAnswer, "created": stamp(j.Created)}
			if len(rows) > 0 {
				maps.Copy(whole, rows[0])
			}
			if len(rows) > 1 {
				whole["recipient"] = ""
			}
			total := 0
			for _, r := range rows {
				total += r["recipients"].(int)
			}
			whole["recipients"], whole["waiting"] = total, rows
			if err := e.printOne(whole, "id", "list", "number", "recipients", "created", "attempts", "next_attempt", "last_answer"); err != nil || e.json {
				return err
			}
			fmt.Fprintln(e.stdout)
			return e.printRows(rows, "recipient", "recipients", "attempts", "next_attempt", "last_answer")
		}),
	})
}
