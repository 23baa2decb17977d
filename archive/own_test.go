package archive_test

import (
	"strings"
	"testing"

	"wesouthasians.org/sangam/archive"
)

func TestOwnIsWhatTheAuthorWrote(t *testing.T) {
	for text, want := range map[string]string{
		"One\n\n  two  \n-- \nAsha\n":                        "One|two",
		"One\n—\nAsha\n":                                     "One",
		"On Tue, 24 Nov 2026, Asha wrote:\n> quoted\nmine\n": "mine",
		"On Tue, 24 Nov 2026 at 10:00, Asha Rao\n<asha@example.org> wrote:\n> quoted\nmine\n": "mine",
		"mine\n\nAsha Rao <asha@example.org> schrieb:\n> quoted\n":                            "mine",
		"mine\n\n-----Original Message-----\nFrom: x\nnot mine\n":                             "mine",
		"mine\n\nDe : Asha <asha@example.org>\nEnvoyé : mardi\nnot mine\n":                    "mine",
		"mine\nSent from my iPhone\n":                                                         "mine",
		"mine\nGet Outlook for Android<https://aka.ms/x>\n":                                   "mine",
		"mine\n\n24 नव॰ 2026 को 10:00 बजे Asha <asha@example.org> ने लिखा:\n> quoted\n":       "mine",
		"\ufeff“mine”\u00a0too\n":                                                             "\"mine\" too",
		"On the 3 boxes that came we wrote labels\nThe rest is open\n":                        "On the 3 boxes that came we wrote labels|The rest is open",
		strings.Repeat("x", 3000) + "\n":                                                      strings.Repeat("x", 1000),
	} {
		b := archive.Body{Text: text}
		if got := strings.Join(b.Own(10, false), "|"); got != want {
			t.Errorf("%q: own %q, want %q", text, got, want)
		}
	}
	b := archive.Body{Text: "mine\n> quoted\nbelow\nmore\n"}
	if got := b.Own(10, true); len(got) != 1 {
		t.Errorf("above the quote: %q", got)
	}
	if got := b.Own(2, false); len(got) != 2 {
		t.Errorf("two lines: %q", got)
	}
}
