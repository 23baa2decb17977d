package bounce

import (
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// hotmailField names the reader in complaints of Microsoft, which have no report part.
const hotmailField = "X-HmXmrOriginalRecipient"

// complaint reads a feedback report (ARF, RFC 5965). One that mail is wanted (RFC 6430) or was not authentic (RFC 6591) names nobody
// who complains.
func complaint(m *message) (Report, bool) {
	r := Report{Kind: Complaint}
	feedback := parts(m.root, "message/feedback-report")
	for _, p := range feedback {
		h := archive.ParseHeader(archive.CRLF(p.Decode(m.raw, maxText)))
		kind := h.Get("Feedback-Type")
		r.Answer = oneLine(kind + " " + h.Get("User-Agent"))
		switch strings.ToLower(kind) {
		case "not-spam", "auth-failure", "dmarc":
			return r, true
		}
		r.add(h, "Original-Rcpt-To", "Removal-Recipient", hotmailField)
	}
	if len(r.Recipients) == 0 {
		r.add(m.returned(), hotmailField)
	}
	r.Unwanted = len(feedback) > 0 || len(r.Recipients) > 0
	return r, r.Unwanted
}

// add those whom fields name, unless their reporter has hidden them.
func (r *Report) add(h archive.Header, names ...string) {
	for _, name := range names {
		for _, v := range h.Values(name) {
			if a := mailAddress(v); a != "" && !hidden(a) {
				r.Recipients = append(r.Recipients, Recipient{Address: a, Action: complained})
			}
		}
	}
}

func hidden(a store.Address) bool {
	return strings.Contains(a.Local(), "redacted") || strings.Trim(a.Local(), "x*") == ""
}
