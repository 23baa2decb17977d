package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

// rosterColumns of the CSV of members.
var rosterColumns = []string{"address", "name", "role", "delivery"}

// rosterRefusal is a line that made no member.
type rosterRefusal struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

func newMemberImport(e *env) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use: "import LIST FILE.csv", Short: "Add the members of a CSV file", Args: arguments(2, 2),
		Long: "Add the members of a CSV file whose first line is `address,name,role,delivery` (all but address may be left out).\n" +
			"- reads standard input. Members that are there already stay as they are. A line that is wrong is told and left out,\n" +
			"and the exit status is 1.",
		Example: "  sangam member import heplink members.csv --dry-run\n  sangam member import heplink members.csv",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			in, err := e.open(args[1])
			if err != nil {
				return err
			}
			defer in.Close()
			ms, refused, err := s.readRoster(ctx, l, in)
			if err != nil {
				return err
			}
			added, err := s.addRoster(l, ms, dryRun)
			if err != nil {
				return err
			}
			return e.tellRoster(len(ms), added, refused, dryRun)
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be done")
	return e.jsonFlag(cmd)
}

// open opens a file of the command line; - is standard input.
func (e *env) open(file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(e.stdin), nil
	}
	f, err := os.Open(e.path(file))
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s is a folder: name a file", file), f.Close())
	}
	return f, nil
}

// separator is the comma of a spreadsheet's language, as the header line has it.
func separator(file *bufio.Reader) rune {
	start, _ := file.Peek(80)
	header, _, _ := strings.Cut(string(start), "\n")
	for _, comma := range ",;\t" {
		if strings.ContainsRune(header, comma) {
			return comma
		}
	}
	return ','
}

// readRoster returns the members in the order of the file, each address once.
func (s *site) readRoster(ctx context.Context, l store.List, in io.Reader) ([]store.Member, []rosterRefusal, error) {
	buffered := bufio.NewReader(in)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" { // spreadsheets write it
		buffered.Discard(3)
	}
	r := csv.NewReader(buffered)
	r.TrimLeadingSpace = true
	r.Comma = separator(buffered)
	header, err := r.Read()
	if err != nil {
		return nil, nil, usagef("the file has no header line: begin it with %s", strings.Join(rosterColumns, ","))
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
		if !slices.Contains(rosterColumns, header[i]) {
			return nil, nil, usagef("the header names a column %q: use %s", printable(header[i]), strings.Join(rosterColumns, ","))
		}
	}
	if !slices.Contains(header, "address") {
		return nil, nil, usagef("the header names no column address: begin the file with %s", strings.Join(rosterColumns, ","))
	}
	r.FieldsPerRecord = -1
	var ms []store.Member
	refused := []rosterRefusal{}
	seen := map[store.Address]int{}
	for {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		fields, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return ms, refused, nil
		case errors.As(err, &bad):
			refused = append(refused, rosterRefusal{bad.StartLine, misquoted(bad)})
			continue
		case err != nil:
			return nil, nil, fmt.Errorf("read members: %w", err)
		}
		line, _ := r.FieldPos(0)
		m, err := s.rosterMember(l, header, fields)
		if err == nil && seen[m.Address] > 0 {
			err = fmt.Errorf("%s is on line %d already", m.Address, seen[m.Address])
		}
		if err != nil {
			refused = append(refused, rosterRefusal{line, err.Error()})
			continue
		}
		seen[m.Address] = line
		ms = append(ms, m)
	}
}

// misquoted says what is wrong with the quotes of a line; one that is never closed swallows the lines behind it.
func misquoted(bad *csv.ParseError) string {
	if bad.Line > bad.StartLine {
		return fmt.Sprintf("a quote that begins here is not closed, so the lines from here to %d were not read", bad.Line)
	}
	return "a quote stands inside a field: put the whole field in quotes and double the quotes in it"
}

func (s *site) rosterMember(l store.List, header, fields []string) (store.Member, error) {
	if len(fields) != len(header) {
		return store.Member{}, fmt.Errorf("has %d fields and the header %d", len(fields), len(header))
	}
	if !utf8.ValidString(strings.Join(fields, "")) {
		return store.Member{}, errors.New("is not UTF-8: save the file as CSV UTF-8")
	}
	m, err := s.NewMember(l.ID, strings.TrimSpace(fields[slices.Index(header, "address")]), s.parts.Now())
	for i, key := range header {
		value := strings.TrimSpace(fields[i])
		if key == "address" || value == "" || err != nil {
			continue
		}
		err = m.Set(key, value)
	}
	return m, err
}

func (s *site) addRoster(l store.List, ms []store.Member, dryRun bool) (added int, err error) {
	if dryRun {
		for _, m := range ms {
			if _, err := s.Member(l.ID, m.Address); errors.Is(err, store.ErrNotFound) {
				added++
			} else if err != nil {
				return added, err
			}
		}
		return added, nil
	}
	added, err = s.AddMembers(ms)
	s.log.Info("joined", "list", l.Address(), "members", added)
	return added, err
}

func (e *env) tellRoster(read, added int, refused []rosterRefusal, dryRun bool) error {
	if e.json {
		if err := e.printJSON(row{"added": added, "members_already": read - added, "refused": refused, "dry_run": dryRun}); err != nil {
			return err
		}
	} else {
		for _, r := range refused {
			fmt.Fprintf(e.stderr, "line %d: %s\n", r.Line, printable(r.Reason))
		}
		verb := "added"
		if dryRun {
			verb = "would add"
		}
		fmt.Fprintf(e.stdout, "%s %d, members already %d, refused %d\n", verb, added, read-added, len(refused))
	}
	if len(refused) > 0 {
		return exitStatus(1)
	}
	return nil
}
