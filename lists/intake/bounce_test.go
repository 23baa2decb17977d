package intake_test

import (
	"context"
	"strings"
	"testing"

	"wesouthasians.org/sangam/lists/intake"
)

// report of a mail server about Asha's copy.
func report(action, status, diagnostic string) string {
	return "From: MAILER-DAEMON@example.net\nSubject: Failure\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n\n" +
		"--r\n\nIt failed.\n--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; asha@example.org\n" +
		"Action: " + action + "\nStatus: " + status + "\nDiagnostic-Code: smtp; " + diagnostic + "\n--r--\n"
}

// complaint of a reader's provider about a copy with these fields.
func complaint(kind, fields string) string {
	return "From: feedback@example.net\nSubject: complaint\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=r\n\n" +
		"--r\n\nA complaint.\n--r\nContent-Type: message/feedback-report\n\nFeedback-Type: " + kind + "\nUser-Agent: Reporter/1\nVersion: 1\n" +
		"Original-Rcpt-To: redacted@example.net\n\n--r\nContent-Type: message/rfc822\n\n" + fields + "From: meera@example.org\nTo: heplink@lists.example.org\n\nhello\n--r--\n"
}

func (w *world) fromNobody(raw, to string) error {
	return w.Deliver(context.Background(), intake.Envelope{ID: "t1"}, []string{to}, []byte(strings.ReplaceAll(raw, "\n", "\r\n")))[0]
}

func TestReportToReturnPathIsRecorded(t *testing.T) {
	for _, c := range []struct {
		action, status, diagnostic string
		failures                   int
		score                      float64
	}{
		{"failed", "5.1.1", "550 no such user", 1, 2.5},
		{"delayed", "4.4.1", "no answer", 0, 0},
		{"failed", "4.4.7", "expired", 1, 0.7},
		{"failed", "5.2.2", "552 mailbox full", 1, 0.7},
		{"failed", "5.7.1", "550 looks like spam", 1, 0.7},
		{"failed", "5.7.1", "550 recipient unknown", 1, 2.5},
	} {
		w := newWorld(t)
		if err := w.fromNobody(report(c.action, c.status, c.diagnostic), w.addresses.VERP(w.list, w.asha.ID)); err != nil {
			t.Fatal(err)
		}
		m, err := w.store.Member(w.list.ID, "asha@example.org")
		if err != nil || m.Failure.Count != c.failures || m.Failure.Score != c.score {
			t.Errorf("%s %s: %d failures, score %v, %v", c.action, c.status, m.Failure.Count, m.Failure.Score, err)
		}
		if c.failures > 0 && !strings.Contains(m.Failure.Answer, c.diagnostic) {
			t.Errorf("answer %q", m.Failure.Answer)
		}
	}
}

// Some servers report to an address in the message. That proves nothing about a member, and nobody may be troubled by it.
func TestReportElsewhereCountsForNobody(t *testing.T) {
	for _, to := range []string{"heplink", "heplink-bounces", "heplink-request", "heplink-confirm+abcdefgh234567", "heplink-join", "heplink-leave", "listserv", "sangam-confirm+abcdefgh234567"} {
		w := newWorld(t)
		if err := w.fromNobody(report("failed", "5.1.1", "550 no such user"), to+"@lists.example.org"); err != nil {
			t.Errorf("%s: %v", to, err)
		}
		jobs, err := w.store.Jobs()
		if err != nil || len(jobs) != 0 || w.posts(t, w.list) != 0 || len(w.held(t)) != 0 {
			t.Errorf("%s: %d jobs, %d posts, %d held, %v", to, len(jobs), w.posts(t, w.list), len(w.held(t)), err)
		}
		m, err := w.store.Member(w.list.ID, "asha@example.org")
		if err != nil || m.Failure.Count != 0 {
			t.Errorf("%s: %d failures, %v", to, m.Failure.Count, err)
		}
	}
}

func TestPersonWhoWritesToTheSenderFieldLearnsWhereTo(t *testing.T) {
	w := newWorld(t)
	err := w.send(fromAsha, "heplink-bounces@lists.example.org")[0]
	if code(err) != 550 || !strings.Contains(err.Error(), "heplink@lists.example.org") {
		t.Errorf("answer %v", err)
	}
}

// Providers hide who complained. The copy that they attach says it, by what only this site can make.
func TestComplaintIsTracedByItsCopy(t *testing.T) {
	for name, field := range map[string]func(w *world) string{
		"link to leave": func(w *world) string {
			return "List-Unsubscribe: <https://lists.example.org/u/" + w.addresses.UnsubscribeToken(w.asha.ID) + ">\n"
		},
		"address to leave": func(w *world) string {
			return "List-Unsubscribe: <mailto:" + w.addresses.Leave(w.list, w.asha.ID) + ">\n"
		},
		"return path": func(w *world) string { return "Return-Path: <" + w.addresses.VERP(w.list, w.asha.ID) + ">\n" },
	} {
		for _, to := range []string{"abuse", "postmaster", "heplink-bounces"} {
			w := newWorld(t)
			if err := w.send(complaint("abuse", field(w)), to+"@lists.example.org")[0]; err != nil {
				t.Fatal(name, to, err)
			}
			m, err := w.store.Member(w.list.ID, "asha@example.org")
			if err != nil || !m.Failure.Complaint {
				t.Errorf("%s, to %s: failure %+v, %v", name, to, m.Failure, err)
			}
		}
	}
}

func TestNoComplaintOfAMember(t *testing.T) {
	for name, c := range map[string]struct{ kind, to, fields string }{
		"a token that another made": {"abuse", "abuse@lists.example.org", "List-Unsubscribe: <https://lists.example.org/u/aaaaaaaaaaaaaaaaaaaaaaaaaaaa>\n"},
		"the mail is wanted":        {"not-spam", "", ""},
		"a signature has broken":    {"auth-failure", "", ""},
	} {
		w := newWorld(t)
		if c.to == "" {
			c.to = w.addresses.VERP(w.list, w.asha.ID)
		}
		if err := w.send(complaint(c.kind, c.fields), c.to)[0]; err != nil {
			t.Fatal(name, err)
		}
		m, err := w.store.Member(w.list.ID, "asha@example.org")
		if err != nil || m.Failure.Count != 0 || !m.Failure.Suspended.IsZero() {
			t.Errorf("%s: failure %+v, %v", name, m.Failure, err)
		}
	}
}
