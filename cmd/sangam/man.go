package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newMan(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages", Args: arguments(1, 1),
		Long:    "Write a manual page for each command into a folder, from the same text that --help shows.",
		Example: "  sangam man /usr/local/share/man/man1",
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := e.path(args[0])
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("write manual pages: %w", err)
			}
			return writePages(cmd.Root(), dir)
		},
	}
}

func writePages(cmd *cobra.Command, dir string) error {
	var page strings.Builder
	writePage(&page, cmd)
	if err := os.WriteFile(filepath.Join(dir, pageName(cmd)+".1"), []byte(page.String()), 0o644); err != nil {
		return fmt.Errorf("write manual pages: %w", err)
	}
	for _, below := range cmd.Commands() {
		if !below.IsAvailableCommand() {
			continue
		}
		if err := writePages(below, dir); err != nil {
			return err
		}
	}
	return nil
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// writePage writes man(7).
func writePage(w io.Writer, cmd *cobra.Command) {
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	fmt.Fprintf(w, ".TH %s 1\n.SH NAME\n%s \\- %s\n", strings.ToUpper(pageName(cmd)), roff(pageName(cmd)), roff(cmd.Short))
	fmt.Fprintf(w, ".SH SYNOPSIS\n%s\n.SH DESCRIPTION\n%s\n", roff(cmd.UseLine()), roff(long))
	if flags := cmd.NonInheritedFlags(); flags.HasAvailableFlags() {
		fmt.Fprint(w, ".SH OPTIONS\n")
		writeFlags(w, flags)
	}
	if flags := cmd.InheritedFlags(); flags.HasAvailableFlags() {
		fmt.Fprint(w, ".SH COMMON OPTIONS\n")
		writeFlags(w, flags)
	}
	fmt.Fprintf(w, ".SH EXAMPLES\n.nf\n%s\n.fi\n.SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage or wrong configuration.\n", roff(cmd.Example))
	var also []string
	if cmd.HasParent() {
		also = append(also, roff(pageName(cmd.Parent()))+"(1)")
	}
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			also = append(also, roff(pageName(below))+"(1)")
		}
	}
	if len(also) > 0 {
		fmt.Fprintf(w, ".SH SEE ALSO\n%s\n", strings.Join(also, ", "))
	}
}

func writeFlags(w io.Writer, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		value, text := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(w, ".TP\n%s\n%s\n", roff(strings.TrimSpace(name+" "+value)), roff(text))
	})
}

// roff escapes backslashes, hyphens and what would be a request at the start of a line.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
