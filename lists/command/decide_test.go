package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each .eml in testdata/decide is a moderator's answer to the notice of a held post; .want is the word that it decides by and the reason, or ? when
// it decides nothing.
func TestDecide(t *testing.T) {
	files, err := filepath.Glob("testdata/decide/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatal("no mails", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			word, reason := decision(answerLines(raw))
			if word == "" {
				word = "?"
			}
			got, golden := strings.TrimSpace(word+" "+reason)+"\n", strings.TrimSuffix(file, ".eml")+".want"
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
				t.Errorf("decided %q, want %q", got, want)
			}
		})
	}
}

// What a moderator decides cannot be taken back, so a word that may mean something else decides nothing.
func TestDecision(t *testing.T) {
	for text, want := range map[string]string{
		"approve": "APPROVE", "Approve.": "APPROVE", "*APPROVE*": "APPROVE", "Approved!": "APPROVE", "OK": "APPROVE", "Yes.": "APPROVE",
		"Approve, thanks": "APPROVE", "approve this please": "APPROVE", "\"Trust\"": "TRUST", "discard": "DISCARD", "Spam": "DISCARD", "delete": "DISCARD",
		"No": "REJECT", "Reject": "REJECT", "REJECT: not our subject": "REJECT not our subject", "Reject - sorry\nAsk the clinic.": "REJECT sorry\nAsk the clinic.",
		"Dear server,\napprove\nThank you": "APPROVE", "Hello,\nREJECT\nWe buy nothing.": "REJECT We buy nothing.",
		"": "", "perhaps": "", "No longer working here, write to Ravi": "", "No idea who this is": "", "OK, but who is this?": "", "Yes that is spam": "",
		"Trust me, this is spam": "", "Approve? I am not sure": "", "I do not\napprove of this": "", "Delete my account please": "", "Spam again?": "",
		"Hello,\nreject is what I would do": "",
	} {
		var lines []string
		if text != "" {
			lines = strings.Split(text, "\n")
		}
		word, reason := decision(lines)
		if got := strings.TrimSpace(word + " " + reason); got != want {
			t.Errorf("%q decides %q, want %q", text, got, want)
		}
	}
}
