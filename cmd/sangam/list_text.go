package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// textSettings are texts that are settings of the list.
var textSettings = []string{"welcome", "goodbye", "header", "footer"}

func newListText(e *env) *cobra.Command {
	var file string
	var reset bool
	cmd := &cobra.Command{
		Use: "text LIST NAME", Short: "Show or replace a text of a list", Args: arguments(2, 2),
		Long: "Show a text of a list, or with --file replace it by that of a file (- is standard input), or with --reset by the program's own.\n" +
			"NAME is welcome, goodbye, header or footer, which are added to notices and posts, or notice:NAME, a whole notice with a subject,\n" +
			"an empty line and a text with placeholders such as {title} and {owner}: " + strings.Join(notice.Names(), ", ") + ".",
		Example: "  sangam list text heplink welcome --file welcome.txt\n  sangam list text heplink notice:held-author --file held.txt\n  sangam list text heplink footer --reset",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			name, whole := strings.CutPrefix(args[1], "notice:")
			setting := !whole && slices.Contains(textSettings, name)
			if !setting && !slices.Contains(notice.Names(), name) {
				return usagef("there is no text %q: use %s, or notice: and one of %s", args[1], strings.Join(textSettings, ", "), strings.Join(notice.Names(), ", "))
			}
			if file == "" && !reset {
				return e.showText(s, l, name, setting)
			}
			text := ""
			if !reset {
				if text, err = e.readText(file); err != nil {
					return err
				}
			}
			if setting {
				_, err = s.UpdateList(l.ID, func(l *store.List) error { return l.Set(name, text) })
			} else if err = notice.SetText(s.Store, l, name, text); err != nil {
				err = usage{err}
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "changed %s of %s\n", args[1], l.Address())
			return nil
		}),
	}
	cmd.Flags().StringVar(&file, "file", "", "read the text from `FILE`")
	cmd.Flags().BoolVar(&reset, "reset", false, "back to the program's own text")
	cmd.MarkFlagsMutuallyExclusive("file", "reset")
	return cmd
}

// maxTextFile is how much of a file is read.
const maxTextFile = 64 << 10

func (e *env) readText(file string) (string, error) {
	in := e.stdin
	if file != "-" {
		f, err := os.Open(e.path(file))
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxTextFile+1))
	if err == nil && len(b) > maxTextFile {
		err = fmt.Errorf("the text is longer than %s: make it shorter", store.FormatSize(maxTextFile))
	}
	if err == nil && !utf8.Valid(b) {
		err = fmt.Errorf("%s is not in UTF-8: save it in that encoding", file)
	}
	return strings.TrimPrefix(string(b), "\uFEFF"), err
}

func (e *env) showText(s *site, l store.List, name string, setting bool) error {
	text := fmt.Sprint(l.Values()[name])
	if !setting {
		own, err := s.parts.Office.OwnText(l, name)
		if err != nil {
			return err
		}
		if text = own; text == "" {
			text = notice.Standard(notice.Language(l.Language), name)
		}
	}
	fmt.Fprintln(e.stdout, strings.TrimRight(text, "\n"))
	return nil
}
