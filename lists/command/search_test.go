package command_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

func (w *world) archived(from, subject, text string) {
	w.Helper()
	w.ids++
	raw := archive.CRLF([]byte(fmt.Sprintf("From: %s\nSubject: %s\nMessage-ID: <a%d@x.example>\nDate: Mon, 23 Nov 2026 10:00:00 +0530\n\n%s\n", from, subject, w.ids, text)))
	d := archive.Describe(raw, w.now)
	_, err := w.store.Accept(context.Background(), store.Acceptance{List: w.list.ID, MessageID: d.Post.MessageID, Content: d.Post.Content,
		Build: func(uint64) ([]byte, store.Post, error) { return raw, d.Post, nil }})
	w.must(err)
}

func TestSearch(t *testing.T) {
	w := newWorld(t, "archive=public")
	w.archived("Asha Rao <asha@example.org>", "Cold chain", "The cold chain broke in Pune. Write to ravi@example.org.")
	w.archived("Ravi Kumar <ravi@example.org>", "Re: Cold chain", "In Delhi too.\n\n> The cold chain broke in Pune.")
	w.archived("ravi@example.org", "Vaccines", "Doses arrived.")
	for command, want := range map[string][]string{
		"search heplink chains":                    {"Found: 2.", "Asha Rao: Cold chain", "GET heplink 1", "GET heplink 2"},
		"search heplink pune from asha":            {"Found: 1.", "The cold chain broke in Pune. Write to ravi@example.org.", "GET heplink 1"},
		`search heplink "chain broke" subject re`:  {"Found: 1.", "GET heplink 2"},
		"search heplink vaccine since 2026-11":     {"Found: 1.", "ravi@example.org: Vaccines"},
		"search heplink doses OR delhi -pune":      {"Found: 1.", "GET heplink 3"},
		"search heplink after:2026-11-24 doses":    {"Nothing was found."},
		"search heplink doses since yesterday":     {"SINCE yesterday cannot be used here. Write for example: SINCE 2025-11-24"},
		"search heplink before:soon doses":         {"before:soon cannot be used here. Write for example: before:2026-01-31"},
		"search heplink":                           {"Write the words to search for"},
		"search heplink from \"Ravi Kumar\" delhi": {"Found: 1.", "GET heplink 2"},
		"search heplink list:secret":               {"Nothing was found."},
	} {
		ms := w.take("asha@example.org", command)
		if len(ms) != 1 {
			t.Fatalf("%s: %d answers", command, len(ms))
		}
		for _, part := range want {
			if !strings.Contains(ms[0].Text, part) {
				t.Errorf("%s lacks %q:\n%s", command, part, ms[0].Text)
			}
		}
	}
	ms := w.take("mallory@evil.example", "search heplink pune\nsearch heplink doses\nsearch heplink from ravi@example.org")
	if text := ms[0].Text; !strings.Contains(text, "Write to ravi@….") || !strings.Contains(text, "ravi@…: Vaccines") || strings.Contains(strings.ReplaceAll(text, "from ravi@example.org", ""), "ravi@example.org") {
		t.Errorf("a stranger reads:\n%s", text)
	}
}
