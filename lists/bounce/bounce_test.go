package bounce_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"wesouthasians.org/sangam/lists/bounce"
	"wesouthasians.org/sangam/store"
)

// A case is NAME.eml and NAME.want: the kind, then a line for each recipient.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".eml") + ".want")
		if err != nil {
			t.Fatal(err)
		}
		r := bounce.Read(raw)
		got := string(r.Kind) + "\n"
		for _, rc := range r.Recipients {
			status := rc.Status
			if status == "" {
				status = "-"
			}
			got += fmt.Sprintf("%s %s %s", rc.Address, rc.Action, status)
			if rc.Permanent {
				got += " permanent"
			}
			got += "\n"
		}
		if got != string(want) {
			t.Errorf("%s is\n%s, want\n%s", file, got, want)
		}
	}
}

// FuzzRead: no panic, addresses that are addresses, and words that cannot make a header field or a log line.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.eml")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := bounce.Read(raw)
		for _, rc := range r.Recipients {
			if a, err := store.ParseAddress(string(rc.Address)); err != nil || a != rc.Address && len(a) <= 254 {
				t.Errorf("%q is no address: %v", rc.Address, err)
			}
		}
		if strings.ContainsFunc(r.Answer, unicode.IsControl) || len(r.Answer) > 300 {
			t.Errorf("answer is %q", r.Answer)
		}
		if r.Recipients == nil {
			t.Error("recipients are null")
		}
	})
}
