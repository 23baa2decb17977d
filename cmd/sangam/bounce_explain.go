package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/lists/bounce"
)

// explained is a row of bounce explain.
type explained struct {
	File string `json:"file"`
	bounce.Report
}

func newBounceExplain(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "explain FILE...", Short: "Say what the server reads in messages that came back; changes nothing", Args: arguments(1, -1),
		Example: "  sangam bounce explain report.eml\n  sangam bounce explain --json reports/*.eml",
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []explained
			for _, file := range args {
				raw, err := os.ReadFile(e.path(file))
				if err != nil {
					return fmt.Errorf("read the message: %w", err)
				}
				all = append(all, explained{file, bounce.Read(raw)})
			}
			return e.explain(all)
		},
	})
}

// explain prints one object for one file, and a list for several.
func (e *env) explain(all []explained) error {
	if e.json && len(all) == 1 {
		return e.printJSON(all[0])
	}
	if e.json {
		return e.printJSON(all)
	}
	for _, x := range all {
		fmt.Fprintf(e.stdout, "%s: %s\n", printable(x.File), x.Kind)
		for _, rc := range x.Recipients {
			fmt.Fprintf(e.stdout, "  %s %s %s%s\n", cell(string(rc.Address)), rc.Action, cell(rc.Status), permanence(rc))
		}
	}
	return nil
}

// permanence in words: whether the address is lost, or only this message.
func permanence(rc bounce.Recipient) string {
	switch {
	case rc.Hard:
		return ", permanent"
	case rc.Permanent:
		return ", permanent for this message"
	case rc.Action == "complained":
		return ""
	}
	return ", temporary"
}
