// Command sangam is a mailing-list server and the tool that administers it; `sangam help` lists what it does.
//
// There is one file for each command. A command that acts on the store runs inside the server while that is up (package
// control), and opens the store itself otherwise; it is written once, against env.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	e := &env{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, dir: dir, getenv: os.Getenv, args: os.Args[1:]}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		if e.width, _, _ = term.GetSize(int(os.Stderr.Fd())); e.width == 0 {
			e.width = 80
		}
	}
	os.Exit(e.run(ctx))
}
