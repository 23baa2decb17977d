package bounce

import (
	"regexp"
	"strconv"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

func isStatus(p *archive.Part) bool {
	return p.MediaType() == "message/delivery-status" || p.MediaType() == "message/global-delivery-status"
}

// standard reads delivery status notifications (RFC 3464, RFC 6533): a part of that type, or its fields where some program
// left the type out.
func standard(m *message) (Report, bool) {
	var groups []string
	for _, p := range parts(m.root, "message/delivery-status", "message/global-delivery-status") {
		groups = append(groups, fieldGroups(p.DecodeText(m.raw, maxText))...)
		if len(groups) > maxRecipients {
			break
		}
	}
	if len(groups) == 0 && strings.Contains(m.whole, "Final-Recipient:") {
		groups = fieldGroups(m.whole)
	}
	r := Report{Kind: Bounce}
	for _, group := range groups {
		rc, answer, ok := recipient(group)
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

var recipientField = regexp.MustCompile(`(?i)^(original-recipient|final-recipient|action|status)[ \t]*:`)

// fieldGroups parts the fields of one recipient from those of the next: by an empty line, or where a field comes again because the
// empty line is missing.
func fieldGroups(s string) (groups []string) {
	var group strings.Builder
	seen := map[string]bool{}
	end := func() {
		if len(seen) > 0 {
			groups = append(groups, group.String())
		}
		group.Reset()
		clear(seen)
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	for line := range strings.SplitSeq(s, "\n") {
		if strings.TrimSpace(line) == "" {
			end()
			continue
		}
		if f := recipientField.FindStringSubmatch(line); f != nil {
			name := strings.ToLower(f[1])
			if seen[name] {
				end()
			}
			seen[name] = true
		}
		group.WriteString(line + "\n")
	}
	end()
	return groups
}

// recipient reads the fields of one recipient. An address that was relayed, expanded or delivered is not reported.
func recipient(group string) (rc Recipient, answer string, ok bool) {
	h := archive.ParseHeader(archive.CRLF([]byte(group + "\n")))
	action := strings.ToLower(strings.TrimSpace(cutComment(h.Get("Action"))))
	if action == "" && h.Get("Status") == "" && h.Get("Diagnostic-Code") == "" {
		return rc, "", false
	}
	for _, name := range []string{"Original-Recipient", "Final-Recipient", "X-Actual-Recipient"} { // the first is what we wrote to
		if rc.Address = typedAddress(h.Get(name)); rc.Address != "" {
			break
		}
	}
	own := h.Get("Status")
	if rc.Address == "" || strings.HasPrefix(strings.TrimSpace(own), "2") {
		return rc, "", false
	}
	_, diagnostic, typed := strings.Cut(h.Text("Diagnostic-Code"), ";")
	if !typed {
		diagnostic = h.Text("Diagnostic-Code")
	}
	rc.Status = bestStatus(own, diagnostic)
	answer = oneLine(rc.Status + " " + diagnostic)
	switch {
	case action == delayed:
		rc.Action = delayed
	case strings.HasPrefix(action, "fail"), action == "error", action == "":
		rc.Action, rc.Permanent = failed, permanent(rc.Status, "")
		rc.Hard = rc.Permanent && Hard(rc.Status+" "+diagnostic)
	default:
		return rc, "", false
	}
	return rc, answer, true
}

// bestStatus of the Status field and the words of the remote. A generic status says less than what the remote answered.
func bestStatus(field, diagnostic string) string {
	status := enhanced.FindString(field)
	if own := enhanced.FindString(diagnostic); own != "" && (status == "" || strings.HasSuffix(status, ".0.0")) {
		return own
	}
	if status == "" {
		return code(diagnostic)
	}
	return status
}

// refused reads a disposition notification (RFC 8098) by which a filter of the recipient deleted the message.
func refused(m *message) (Report, bool) {
	r := Report{Kind: Bounce, Answer: oneLine(m.subject)}
	for _, p := range parts(m.root, "message/disposition-notification") {
		h := archive.ParseHeader(archive.CRLF(p.Decode(m.raw, maxText)))
		if a := typedAddress(h.Get("Final-Recipient")); a != "" && deleted(h) {
			r.Recipients = append(r.Recipients, Recipient{Address: a, Action: failed, Permanent: true})
		}
	}
	return r, len(r.Recipients) > 0
}

func deleted(h archive.Header) bool {
	disposition := strings.ToLower(h.Get("Disposition"))
	return strings.Contains(disposition, "automatic-action") && strings.Contains(disposition, "deleted")
}

func cutComment(s string) string {
	s, _, _ = strings.Cut(s, "(")
	return s
}

// typedAddress reads "rfc822; asha@example.org" and "utf-8; \x{906}@example.org".
func typedAddress(v string) store.Address {
	if kind, rest, ok := strings.Cut(v, ";"); ok {
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "x400":
			return ""
		case "utf-8":
			rest = escaped.ReplaceAllStringFunc(rest, unescape)
		}
		v = rest
	}
	return mailAddress(v)
}

// escaped is a character of utf-8-addr-xtext or utf-8-addr-unitext (RFC 6533 section 3).
var escaped = regexp.MustCompile(`\\x\{[0-9A-Fa-f]{2,6}\}`)

func unescape(s string) string {
	n, err := strconv.ParseUint(s[3:len(s)-1], 16, 32)
	if err != nil {
		return s
	}
	return string(rune(n))
}

var plainAddress = regexp.MustCompile(`[\pL\pM\pN!#$%&'*+/=?^_\x60{|}~.-]+@[\pL\pM\pN-]+(?:\.[\pL\pM\pN-]+)*`)

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
