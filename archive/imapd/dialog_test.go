package imapd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"wesouthasians.org/sangam/store"
)

// A dialog is what a client sends (>) and hears (<), where … stands for anything; other lines say what it is about, and the first
// may log in. The site has the lists heplink, of which asha is a member, with two posts, open, which is public, and closed.
func TestDialogs(t *testing.T) {
	files, err := filepath.Glob("testdata/*.dialog")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogs", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s := newSite(t)
			l := s.list("heplink", nil)
			s.join(l, "asha@example.org", store.RoleMember)
			s.list("open", func(l *store.List) { l.Archive = "public" })
			s.list("closed", nil)
			s.post(l, fmt.Sprintf(plain, "first", "a1"))
			s.post(l, fmt.Sprintf(plain, "second", "a2"))
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			play(t, s, string(text))
		})
	}
}

func play(t *testing.T, s *site, text string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var c *client
	if name, ok := strings.CutPrefix(lines[0], "login "); ok {
		c = s.login(name)
	} else {
		c = s.connect()
	}
	for i, line := range lines {
		switch {
		case line == ">" || strings.HasPrefix(line, "> "):
			fmt.Fprintf(c.c, "%s\r\n", strings.TrimPrefix(line[1:], " "))
		case strings.HasPrefix(line, "< "):
			want := "^" + strings.ReplaceAll(regexp.QuoteMeta(line[2:]), "…", ".*") + "$"
			if got := strings.TrimSuffix(c.line(), "\r\n"); !regexp.MustCompile(want).MatchString(got) {
				t.Fatalf("line %d: heard %q, want %s", i+1, got, line[2:])
			}
		}
	}
}
