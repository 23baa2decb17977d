package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:           "sangam",
		Short:         "A mailing-list server: one binary, one data file",
		Example:       "  sangam demo\n  sangam init --domain lists.example.org --admin asha@example.org",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          group,
	}
	root.Version = versionLine()
	root.SetVersionTemplate("{{.Version}}\n")
	root.PersistentFlags().StringVarP(&e.configFile, "config", "c", "", "configuration `FILE` (default ./config.toml, then /etc/sangam/config.toml)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w: see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(newInit(e), newServe(e), newDemo(e), newList(e), newMember(e), newPassword(e), newHeld(e), newBan(e), newDigest(e), newQueue(e), newBounce(e),
		newArchive(e), newBackup(e), newRestore(e), newCheck(e), newDNS(e), newDoctor(e), newDKIM(e), newBench(e), newVersion(e), newMan(e))
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, shell := range root.Commands() {
		switch shell.Name() {
		case "help":
			shell.Example = "  sangam help list create"
		case "completion":
			shell.Example = "  sangam completion bash > /etc/bash_completion.d/sangam"
			shell.Args, shell.RunE = cobra.ArbitraryArgs, group
			for _, sub := range shell.Commands() {
				sub.Example = fmt.Sprintf("  sangam completion %s", sub.Name())
			}
		}
	}
	return root
}

// newGroup is a command that only has others below it.
func newGroup(use, short, example string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.ArbitraryArgs, RunE: group}
	cmd.AddCommand(below...)
	return cmd
}

func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf(" Did you mean %s?", strings.Join(near, " or "))
	}
	return usagef("%s has no command %q: see `%s --help`.%s", cmd.CommandPath(), args[0], cmd.CommandPath(), hint)
}

// choices lets the shell complete the values of a flag.
func choices(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
}

// arguments checks how many there are; max -1 is any number.
func arguments(min, max int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < min || max >= 0 && len(args) > max {
			return usagef("use it as `%s`, see `%s --help`", cmd.UseLine(), cmd.CommandPath())
		}
		return nil
	}
}
