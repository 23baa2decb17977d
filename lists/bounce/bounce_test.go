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
			if rc.Hard {
				got += " hard"
			}
			got += "\n"
		}
		if got != string(want) {
			t.Errorf("%s is\n%s, want\n%s", file, got, want)
		}
	}
}

func TestHard(t *testing.T) {
	for words, want := range map[string]bool{
		"550 5.1.1 no such user":                                      true,
		"550 unknown":                                                 true,
		"5.1.10 RESOLVER.ADR.RecipientNotFound":                       true,
		"550 5.4.1 Recipient address rejected: Access denied":         true,
		"554 5.2.1 The account is disabled":                           true,
		"554 5.7.1 <ravi@example.org>: recipient unknown":             true,
		"421 4.3.2 shutting down":                                     false,
		"450 4.2.1 no such user":                                      false,
		"552 5.2.2 mailbox full":                                      false,
		"550 The user's mailbox is over quota":                        false,
		"552 message size exceeds the limit":                          false,
		"554 5.7.1 spam":                                              false,
		"550 5.7.26 this mail is unauthenticated":                     false,
		"550 blocked by a blacklist, see https://dnsbl.example.net":   false,
		"554 rejected for policy reasons":                             false,
		"550 5.7.1 relaying denied":                                   false,
		"550 5.6.7 the message needs SMTPUTF8":                        false,
		"tried for 120h0m0s, last answer: 451 4.4.1 no answer from x": false,
	} {
		if bounce.Hard(words) != want {
			t.Errorf("%q is hard: %v", words, !want)
		}
	}
}

// hostile are messages made to take long.
func hostile() map[string]string {
	report := "From: MAILER-DAEMON@mx.example.net\nSubject: Undelivered mail\n"
	status := report + "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
	group := "Final-Recipient: rfc822; a%@example.org\nAction: failed\nStatus: 5.1.1\n\n"
	many := func(n int, s string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(s, "%", fmt.Sprint(i)))
		}
		return b.String()
	}
	return map[string]string{
		"addresses":     report + "\n" + many(100_000, "<a%@example.org>: 550 5.1.1 unknown\n"),
		"one line":      report + "\n" + many(100_000, "a%@example.org "),
		"to many":       report + "To: x@example.org" + many(50_000, ",\n a%@example.org") + "\n\n" + many(3000, "<a%@example.org>\n"),
		"failed field":  report + "X-Failed-Recipients: x@example.org" + many(50_000, ",\n a%@example.org") + "\n\n" + many(3000, "<a%@example.org>\n"),
		"groups":        status + "--b\nContent-Type: message/delivery-status\n\n" + many(50_000, group) + "--b--\n",
		"status parts":  status + many(20_000, "--b\nContent-Type: message/delivery-status\n\n"+group) + "--b--\n",
		"fields":        status + "--b\nContent-Type: message/delivery-status\n\n" + many(200_000, "Action: failed\n") + "--b--\n",
		"nested":        many(2000, report+"Content-Type: message/rfc822\n\n"),
		"at signs":      report + "\n" + strings.Repeat("@", 1<<20),
		"brackets":      report + "\n" + many(50_000, "((((((((((<<<<<<<<<<[[[[[[[[[[\"\"\"\"\"\n"),
		"JSON":          report + "\n{\"bouncedRecipients\":" + strings.Repeat("[", 60_000),
		"html":          report + "Content-Type: text/html\n\n" + strings.Repeat("<div><table><tr><td>a@example.org failed", 20_000),
		"received":      status + "--b\nContent-Type: message/delivery-status\n\nx: y\n\n--b\nContent-Type: message/rfc822\n\n" + many(50_000, "Received: x for a%@example.org\n") + "\n--b--\n",
		"many feedback": strings.ReplaceAll(status, "delivery-status", "feedback-report") + "--b\nContent-Type: message/feedback-report\n\n" + many(50_000, "Original-Rcpt-To: a%@example.org\n") + "--b--\n",
	}
}

func TestHostileMessagesAreBounded(t *testing.T) {
	for name, raw := range hostile() {
		r := bounce.Read([]byte(raw))
		if len(r.Recipients) > 500 || len(r.Answer) > 300 {
			t.Errorf("%s: %d recipients, an answer of %d bytes", name, len(r.Recipients), len(r.Answer))
		}
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, raw := range hostile() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				bounce.Read([]byte(raw))
			}
		})
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
		if len(r.Recipients) > 500 {
			t.Errorf("%d recipients", len(r.Recipients))
		}
		for _, rc := range r.Recipients {
			if rc.Hard && !rc.Permanent || rc.Permanent && rc.Action != "failed" || len(rc.Status) > 20 {
				t.Errorf("recipient is %+v", rc)
			}
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
