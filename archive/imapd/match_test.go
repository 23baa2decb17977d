package imapd

import (
	"regexp"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
)

func TestMatchMailbox(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "heplink/Held", true}, {"%", "heplink/Held", false}, {"%", "heplink", true}, {"", "", true},
		{"hep*", "heplink", true}, {"%/%", "heplink/Held", true}, {"*link", "heplink/Held", false}, {"he%d", "heplink/Held", false},
		{strings.Repeat("*a", 40) + "x", strings.Repeat("a", 60), false},
	} {
		if matchMailbox(c.pattern, c.name) != c.want {
			t.Errorf("%q matches %q: want %v", c.pattern, c.name, c.want)
		}
	}
}

func FuzzMatchMailbox(f *testing.F) {
	f.Add("a*b%c", "a/b/c")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 30 || len(name) > 30 {
			return
		}
		var re strings.Builder
		for _, b := range []byte(pattern) {
			switch b {
			case '*':
				re.WriteString(`[\x00-\x{FF}]*`)
			case '%':
				re.WriteString(`[^/]*`)
			default:
				re.WriteString(regexp.QuoteMeta(string(rune(b))))
			}
		}
		wide := make([]rune, len(name))
		for i, b := range []byte(name) {
			wide[i] = rune(b)
		}
		want := regexp.MustCompile(`(?s)\A` + re.String() + `\z`).MatchString(string(wide))
		if got := matchMailbox(pattern, name); got != want {
			t.Errorf("%q against %q: %v", pattern, name, got)
		}
	})
}

func TestIndex(t *testing.T) {
	dense := index{last: 10, gone: []uint32{1, 4, 5, 10}}
	for seq, uid := range map[uint32]uint32{1: 2, 2: 3, 3: 6, 4: 7, 6: 9} {
		if got := dense.uid(seq); got != uid {
			t.Errorf("uid(%d) = %d, want %d", seq, got, uid)
		}
		if got, exact := dense.seq(uid); got != seq || !exact {
			t.Errorf("seq(%d) = %d %v, want %d", uid, got, exact, seq)
		}
	}
	set := imap.UIDSet{{Start: 4, Stop: 7}, {Start: 9, Stop: 4294967295}, {Start: 1, Stop: 1}}
	if got := dense.spans(set); len(got) != 2 || got[0] != (span{3, 4}) || got[1] != (span{6, 6}) {
		t.Errorf("spans %v", got)
	}
	if got := dense.spans(imap.UIDSet{{Start: 50, Stop: 0}}); len(got) != 1 || got[0] != (span{6, 6}) {
		t.Errorf("50:* is %v, want the last message", got)
	}
}
