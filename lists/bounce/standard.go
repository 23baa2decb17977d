package bounce

import (
	"regexp"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// parts finds the parts of a media type, also below other multiparts.
func parts(p *archive.Part, types ...string) (found []*archive.Part) {
	for _, t := range types {
		if p.MediaType() == t {
			found = append(found, p)
		}
	}
	for _, sub := range p.Parts {
		found = append(found, parts(sub, types...)...)
	}
	return found
}

// complaint reads a feedback report (ARF, RFC 5965).
func complaint(m *message) (Report, bool) {
	feedback := parts(m.root, "message/feedback-report")
	if len(feedback) == 0 {
		return Report{}, false
	}
	r := Report{Kind: Complaint, Recipients: []Recipient{}}
	h := archive.ParseHeader(archive.CRLF(feedback[0].Decode(m.raw, maxText)))
	r.Answer = oneLine(h.Get("Feedback-Type") + " " + h.Get("User-Agent"))
	for _, name := range []string{"Original-Rcpt-To", "Removal-Recipient"} {
		for _, v := range h.Values(name) {
			if a := mailAddress(v); a != "" {
				r.Recipients = append(r.Recipients, Recipient{a, "complained", "", false})
			}
		}
	}
	return r, true
}

// standard reads delivery status notifications (RFC 3464, RFC 6533): a part of that type, or its fields where some program
// left the type out.
func standard(m *message) (Report, bool) {
	var blocks []string
	for _, p := range parts(m.root, "message/delivery-status", "message/global-delivery-status") {
		blocks = append(blocks, split(string(p.Decode(m.raw, maxText)))...)
	}
	if len(blocks) == 0 && strings.Contains(m.text, "Final-Recipient:") {
		blocks = split(m.text)
	}
	r := Report{Kind: Bounce}
	for _, block := range blocks {
		rc, answer, ok := recipient(block)
		if !ok {
			continue
		}
		if r.Answer == "" {
			r.Answer = answer
		}
		r.Recipients = append(r.Recipients, rc)
	}
	return r, len(r.Recipients) > 0
}

// refused reads a disposition notification (RFC 8098) by which a filter of the recipient deleted the message.
func refused(m *message) (Report, bool) {
	r := Report{Kind: Bounce, Answer: oneLine(m.header.Text("Subject"))}
	for _, p := range parts(m.root, "message/disposition-notification") {
		h := archive.ParseHeader(archive.CRLF(p.Decode(m.raw, maxText)))
		if a := typedAddress(h.Get("Final-Recipient")); a != "" && deleted(h) {
			r.Recipients = append(r.Recipients, Recipient{a, "failed", "", true})
		}
	}
	return r, len(r.Recipients) > 0
}

func deleted(h archive.Header) bool {
	disposition := strings.ToLower(h.Get("Disposition"))
	return strings.Contains(disposition, "automatic-action") && strings.Contains(disposition, "deleted")
}

var emptyLine = regexp.MustCompile(`\n[ \t]*\n`)

func split(s string) []string {
	return emptyLine.Split(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"), -1)
}

var enhanced = regexp.MustCompile(`\b([245])\.(\d{1,3})\.(\d{1,3})\b`)

// recipient reads the fields of one recipient. An address that was relayed, expanded or delivered is not reported.
func recipient(block string) (rc Recipient, answer string, ok bool) {
	h := archive.ParseHeader(archive.CRLF([]byte(strings.TrimLeft(block, "\n") + "\n\n")))
	action := strings.ToLower(strings.TrimSpace(cutComment(h.Get("Action"))))
	if action == "" && h.Get("Status") == "" && h.Get("Diagnostic-Code") == "" {
		return rc, "", false
	}
	for _, name := range []string{"Original-Recipient", "Final-Recipient", "X-Actual-Recipient"} {
		if rc.Address = typedAddress(h.Get(name)); rc.Address != "" {
			break
		}
	}
	diagnostic := h.Text("Diagnostic-Code")
	status := enhanced.FindString(h.Get("Status"))
	// A generic status says less than what the remote answered.
	if own := enhanced.FindString(diagnostic); own != "" && (status == "" || strings.HasSuffix(status, ".0.0")) {
		status = own
	}
	if status == "" {
		status = smtpCode.FindString(diagnostic)
	}
	rc.Status = status
	switch {
	case rc.Address == "" || strings.HasPrefix(status, "2"):
		return rc, "", false
	case action == "delayed":
		rc.Action = "delayed"
	case strings.HasPrefix(action, "fail"), action == "":
		rc.Action, rc.Permanent = "failed", !strings.HasPrefix(status, "4")
	default:
		return rc, "", false
	}
	return rc, oneLine(status + " " + diagnostic), true
}

func cutComment(s string) string {
	s, _, _ = strings.Cut(s, "(")
	return s
}

// typedAddress reads "rfc822; asha@example.org".
func typedAddress(v string) store.Address {
	if kind, rest, ok := strings.Cut(v, ";"); ok {
		if strings.EqualFold(strings.TrimSpace(kind), "x400") {
			return ""
		}
		v = rest
	}
	return mailAddress(v)
}

var plainAddress = regexp.MustCompile(`[\pL\pN!#$%&'*+/=?^_\x60{|}~.-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)*`)

// mailAddress finds the address in a value, however it is wrapped.
func mailAddress(v string) store.Address {
	v = strings.Trim(v, "<>' \t")
	if i := strings.Index(strings.ToLower(v), "smtp="); i >= 0 { // of an X.400 address
		v = v[i+5:]
	}
	if a, err := store.ParseAddress(v); err == nil {
		return a
	}
	a, err := store.ParseAddress(strings.Trim(plainAddress.FindString(v), "'."))
	if err != nil {
		return ""
	}
	return a
}

// failedHeader reads the X-Failed-Recipients field of Exim and of Gmail.
func failedHeader(m *message) (Report, bool) {
	r := Report{Kind: Bounce, Answer: oneLine(firstCode(m.text))}
	for _, v := range m.header.Values("X-Failed-Recipients") {
		for part := range strings.SplitSeq(v, ",") {
			if a := mailAddress(part); a != "" {
				status, act := code(m.text), action(m)
				r.Recipients = append(r.Recipients, Recipient{a, act, status, act == "failed" && !strings.HasPrefix(status, "4")})
			}
		}
	}
	return r, len(r.Recipients) > 0
}
