package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// row is one thing to print, by key.
type row map[string]any

// jsonFlag adds --json.
func (e *env) jsonFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&e.json, "json", false, "print JSON")
	return cmd
}

func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printRows prints a table of some columns, or all keys as JSON.
func (e *env) printRows(rows []row, columns ...string) error {
	if e.json {
		if rows == nil {
			rows = []row{}
		}
		return e.printJSON(rows)
	}
	if len(rows) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.ReplaceAll(strings.Join(columns, "\t"), "_", " ")))
	for _, r := range rows {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = cell(r[c])
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// printOne prints one thing, some keys in order and one a line, or all keys as JSON.
func (e *env) printOne(r row, keys ...string) error {
	if e.json {
		return e.printJSON(r)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	for _, k := range keys {
		fmt.Fprintf(w, "%s\t%s\n", k, cell(r[k]))
	}
	return w.Flush()
}

// cell keeps what others wrote from moving the cursor of a terminal.
func cell(v any) string {
	var text string
	switch v := v.(type) {
	case nil:
		return "-"
	case time.Time:
		return v.Format(time.RFC3339)
	case []string:
		text = strings.Join(v, "; ")
	case string:
		if v == "" {
			return "-"
		}
		text = v
	default:
		text = fmt.Sprint(v)
	}
	return printable(text)
}

// printable escapes line ends, and drops controls and what turns the direction of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\n", `\n`))
}
