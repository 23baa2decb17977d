package command

import (
	"context"
	"regexp"
	"strings"
	"unicode"
)

// command is one row of the table.
type command struct {
	name    string // capitals are the shortest form
	also    []string
	args    string // as shown in the help
	help    string // name of its text
	staff   bool   // moderators and owners only
	onList  bool   // its first word names a list
	changes bool   // it waits for a confirmation
	run     func(a *act, ctx context.Context, c call) (string, error)
}

// call is one command with its words.
type call struct {
	*command
	target
	word string // as it was written, in capitals
	args []string
	line string
}

// table of all commands, in the order of the help. It is filled at start, for the commands' functions read it.
var table []command

func init() {
	table = []command{
		{name: "SUBscribe", also: []string{"JOIN"}, args: "LIST [Name] [WITH option...]", help: "subscribe", onList: true, changes: true, run: subscribe},
		{name: "UNSubscribe", also: []string{"SIGNOFF", "SIG", "LEAVE", "REMOVE", "UNJOIN"}, args: "LIST|*", help: "unsubscribe", onList: true, changes: true, run: unsubscribe},
		{name: "SET", args: "LIST option...", help: "set", onList: true, changes: true, run: set},
		{name: "Query", also: []string{"WHICH", "OPTIONS"}, args: "LIST|*", help: "query", onList: true, run: query},
		{name: "CHange", also: []string{"CHANGE-ADDRESS"}, args: "newaddress", help: "change", changes: true, run: change},
		{name: "REView", also: []string{"WHO"}, args: "LIST", help: "review", onList: true, run: review},
		{name: "INFO", also: []string{"INTRO"}, args: "LIST", help: "info", onList: true, run: info},
		{name: "Lists", args: "", help: "lists", run: listAll},
		{name: "Help", args: "[command]", help: "help", run: help},
		{name: "INDex", args: "LIST [n]", help: "index", onList: true, run: index},
		{name: "GET", also: []string{"THREAD"}, args: "LIST n[-m]... | GET LIST THREAD n | GET LIST FILE n", help: "get", onList: true, run: get},
		{name: "FILEs", args: "LIST [n|words]", help: "files", onList: true, run: listFiles},
		{name: "Search", args: "LIST words [SINCE date] [FROM who] [SUBJECT words]", help: "search", onList: true, run: searchList},
		{name: "OK", also: []string{"CONFIRM"}, args: "[token]", help: "ok", run: ok},
		{name: "EXPORT", args: "ME", help: "export", changes: true, run: export},
		{name: "FORGET", args: "ME", help: "forget", changes: true, run: forget},
		{name: "ADD", args: "LIST address [Name]", help: "add", onList: true, staff: true, changes: true, run: add},
		{name: "DELete", args: "LIST address", help: "delete", onList: true, staff: true, changes: true, run: remove},
		{name: "HELD", args: "LIST", help: "held", onList: true, staff: true, run: held},
		{name: "APPROVE", args: "id", help: "approve", changes: true, run: decide},
		{name: "REJECT", args: "id [reason]", help: "reject", changes: true, run: decide},
		{name: "DISCARD", args: "id", help: "discard", changes: true, run: decide},
		{name: "TRUST", args: "id", help: "trust", changes: true, run: decide},
		{name: "INVITE", args: "LIST address [Name]", help: "invite", onList: true, staff: true, changes: true, run: invite},
		{name: "BAN", args: "LIST pattern", help: "ban", onList: true, staff: true, changes: true, run: ban},
		{name: "UNBAN", args: "LIST pattern", help: "unban", onList: true, staff: true, changes: true, run: unban},
		{name: "HOLD", args: "LIST", help: "hold", onList: true, staff: true, changes: true, run: hold},
		{name: "FREE", args: "LIST", help: "free", onList: true, staff: true, changes: true, run: free},
		{name: "STATs", args: "LIST", help: "stats", onList: true, staff: true, run: stats},
	}
}

// matches tells whether a word is the command, or enough of it.
func (c *command) matches(word string) bool {
	short := strings.TrimRightFunc(c.name, unicode.IsLower)
	full := strings.ToUpper(c.name)
	if word != "" && len(word) >= len(short) && strings.HasPrefix(full, word) {
		return true
	}
	for _, s := range c.also {
		if s == word {
			return true
		}
	}
	return false
}

// marks that programs and people put around a word.
const marks = ".,;:!*_'\"()[]"

// find the command that a word in capitals means.
func find(word string) *command {
	for i := range table {
		if table[i].matches(word) {
			return &table[i]
		}
	}
	return nil
}

// polite words may stand before a command, and so may the mark of an item.
var polite = regexp.MustCompile(`(?i)^([*•·-]+ +|(please|pls|plz|kindly|bitte|por favor|s'il (vous|te) pla[iî]t|कृपया|দয়া করে|براہ کرم)[ ,:]+)+`)

// read finds the command of a line and what stands behind it; nil when it is none, the word then as it is.
// An option alone is SET.
func read(line string) (c *command, word, rest string) {
	line = polite.ReplaceAllString(strings.TrimSpace(line), "")
	typed, rest, _ := strings.Cut(line, " ")
	word = strings.ToUpper(strings.Trim(typed, marks))
	if c = find(word); c != nil {
		return c, word, rest
	}
	for _, o := range options {
		if o.word == word {
			return find("SET"), "SET", line
		}
	}
	return nil, typed, rest
}

// known tells whether a line begins with a command, or ends them.
func known(line string) bool {
	c, _, _ := read(line)
	return c != nil || ends(line)
}

// ends are the lines at which reading stops.
func ends(line string) bool {
	switch strings.ToUpper(strings.Trim(line, marks+" ")) {
	case "END", "STOP", "QUIT", "EXIT", "EOJ":
		return true
	}
	return false
}

// nearest is the command whose name differs least from a word, if any is near.
func nearest(word string) string {
	word = strings.ToUpper(cut(strings.Trim(word, marks), 20))
	best, at := "", 3
	for _, c := range table {
		for _, name := range append([]string{strings.ToUpper(c.name)}, c.also...) {
			if d := distance(word, name); d < at && d*2 < len(name) {
				best, at = name, d
			}
		}
	}
	return best
}

// distance is that of Levenshtein, with a swap of neighbours as one step.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
