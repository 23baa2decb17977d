package main

import "github.com/spf13/cobra"

func newBounce(e *env) *cobra.Command {
	return newGroup("bounce", "Reports of mail that did not arrive", "  sangam bounce explain report.eml", newBounceExplain(e))
}
