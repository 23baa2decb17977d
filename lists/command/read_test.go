package command

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wesouthasians.org/sangam/archive"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each .eml in testdata/read is a mail of a program that people use; .want has what is read of it: a command with its words, END, or ? and a
// line that is none.
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/read/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatal("no mails", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, golden := readAll(raw), strings.TrimSuffix(file, ".eml")+".want"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("read:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func readAll(raw []byte) string {
	body := archive.Read(raw)
	var b strings.Builder
	for _, line := range lines(archive.ParseHeader(raw), &body) {
		if ends(line) {
			b.WriteString("END\n")
			break
		}
		c, _, rest := read(line)
		if c == nil {
			fmt.Fprintf(&b, "? %s\n", line)
			continue
		}
		fmt.Fprintf(&b, "%s %q\n", strings.ToUpper(c.name), words(rest))
	}
	return b.String()
}

func TestWordsOfCommands(t *testing.T) {
	for words, want := range map[string]string{
		"SUB sub SUBS subscribe Subscribe: JOIN *subscribe* please-subscribe=":                                        "SUBscribe",
		"UNS UNSUB unsubscribe unsubscribe. SIGNOFF SIG LEAVE remove":                                                 "UNSubscribe",
		"SET set MAIL NOMAIL DIGEST INDEX= EACH ACK NOACK REPRO NOREPRO CONCEAL NOCONCEAL LANGUAGE ATTACHMENTS UNTIL": "SET",
		"Q q query WHICH which options":                                                                               "Query",
		"CH change":                                                                                                   "CHange",
		"REV review WHO":                                                                                              "REView",
		"INFO info intro":                                                                                             "INFO",
		"L list LISTS":                                                                                                "Lists",
		"H h help":                                                                                                    "Help",
		"IND index INDE":                                                                                              "INDex",
		"GET get THREAD":                                                                                              "GET",
		"S search SE":                                                                                                 "Search",
		"OK ok confirm":                                                                                               "OK",
		"EXPORT":                                                                                                      "EXPORT",
		"FORGET":                                                                                                      "FORGET",
		"ADD":                                                                                                         "ADD",
		"DEL delete":                                                                                                  "DELete",
		"HELD":                                                                                                        "HELD",
		"APPROVE":                                                                                                     "APPROVE",
		"REJECT":                                                                                                      "REJECT",
		"DISCARD":                                                                                                     "DISCARD",
		"TRUST":                                                                                                       "TRUST",
		"INVITE":                                                                                                      "INVITE",
		"BAN":                                                                                                         "BAN",
		"UNBAN":                                                                                                       "UNBAN",
		"HOLD":                                                                                                        "HOLD",
		"FREE":                                                                                                        "FREE",
		"STAT stats":                                                                                                  "STATs",
		"SU UN IN INF C R RE D G A E F I ST subscribers 1 * > . helpme end": "",
	} {
		for word := range strings.FieldsSeq(words) {
			if strings.HasSuffix(word, "=") { // said elsewhere
				continue
			}
			c, _, _ := read(word)
			if got := nameOf(c); got != want {
				t.Errorf("%q is %q, want %q", word, got, want)
			}
		}
	}
}

func nameOf(c *command) string {
	if c == nil {
		return ""
	}
	return c.name
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"SUBSCRIEB": "SUBSCRIBE", "UNSUSCRIBE": "UNSUBSCRIBE", "SERCH": "SEARCH", "HLEP": "HELP", "SINGOFF": "SIGNOFF",
		"AMPOULES": "", "": "", "X": "", "मदद": ""} {
		if got := nearest(word); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}

func TestQuotedToken(t *testing.T) {
	for text, want := range map[string]string{
		"> http://lists.example.org/c/tpqt6ou4vabqaxe5wk3we2gr\n":                       "tpqt6ou4vabqaxe5wk3we2gr",
		"To: <heplink-confirm+TPQT6OU4VABQAXE5WK3WE2GR@lists.example.org>":              "tpqt6ou4vabqaxe5wk3we2gr",
		"http://lists.example.org/c/short http://x/c/tpqt6ou4vabqaxe5wk3we2grtpqt6ou4v": "",
	} {
		if got := quotedToken(text); got != want {
			t.Errorf("%q quotes %q", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/read/*.eml")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		body := archive.Read(raw)
		quotedToken(body.Text)
		for _, line := range lines(archive.ParseHeader(raw), &body) {
			if line == "" || len(line) > maxLine || strings.ContainsAny(line, "\r\n") {
				t.Errorf("line %q", line)
			}
			_, word, rest := read(line)
			nearest(word)
			for _, w := range words(rest) {
				if strings.TrimSpace(w) != w {
					t.Errorf("word %q of %q", w, line)
				}
			}
		}
		body.Own(maxLines, false)
	})
}

func FuzzNumbers(f *testing.F) {
	f.Add("1-3, 5")
	f.Add("5 – 7 #9")
	f.Add("99999999999999999999-1")
	f.Fuzz(func(t *testing.T, text string) {
		ns, ok := parseNumbers(words(text))
		if len(ns) > maxNumbers || ok != (len(ns) > 0) {
			t.Errorf("%q: %d numbers, %v", text, len(ns), ok)
		}
	})
}
