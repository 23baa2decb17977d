package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker for a release: -ldflags "-X main.version=1.0.0".
var version = ""

func newVersion(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "version", Short: "Show version, commit and Go version", Args: arguments(0, 0),
		Example: "  sangam version --json",
		RunE: func(*cobra.Command, []string) error {
			if e.json {
				v, commit := build()
				return e.printJSON(row{"version": v, "commit": commit, "go_version": runtime.Version()})
			}
			fmt.Fprintln(e.stdout, versionLine())
			return nil
		},
	})
}

func versionLine() string {
	v, commit := build()
	return fmt.Sprintf("sangam %s (commit %s, %s)", v, commit, runtime.Version())
}

func build() (v, commit string) {
	v, commit = version, "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, commit
	}
	if v == "" {
		v = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return v, commit
}
