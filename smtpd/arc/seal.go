package arc

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"wesouthasians.org/sangam/smtpd/dkim"
)

// covered are the fields that a message signature covers where a message has them. What delivery adds for each member is not among them.
var covered = []string{"from", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references", "mime-version",
	"content-type", "content-transfer-encoding", "list-id", "list-post", "list-help", "list-subscribe", "list-owner", "list-archive",
	"archived-at", "dkim-signature"}

// Seal returns the fields of a new set, with CRLF, to be put on top of a message whose lines end in CRLF (RFC 8617 section 5.1). results is what
// was found out when the message arrived, as in Authentication-Results: the name of the server first. cv is the state of the chain then.
// Nothing is returned for a chain that must not be continued: it has failed before, or is at its end.
func Seal(raw []byte, results string, cv Result, domain string, key dkim.Key, now time.Time) ([]byte, error) {
	fields, body := dkim.Split(raw)
	c := readChain(fields)
	n := c.highest + 1
	if n > maxInstance || c.highest > 0 && c.sets[c.highest-1].sealTags["cv"] == string(Fail) {
		return nil, nil
	}
	var s set
	s.results = field("ARC-Authentication-Results", fmt.Sprintf("i=%d; %s", n, results))
	names, data := dkim.Cover(fields, covered, []string{"from"})
	message, err := sign(key, data, fmt.Sprintf("ARC-Message-Signature: i=%d; a=%s; c=relaxed/relaxed;\r\n\td=%s; s=%s; t=%d;\r\n\th=%s;\r\n\tbh=%s;\r\n\tb=",
		n, key.Algorithm(), domain, key.Selector, now.Unix(), dkim.Wrap(strings.Join(names, ":"), ":"),
		base64.StdEncoding.EncodeToString(dkim.BodyHash(body, true, -1))))
	if err != nil {
		return nil, err
	}
	s.message = dkim.Field{Name: messageField, Raw: message}
	var sealed []byte
	if cv != Fail { // a seal on a failed chain covers its own set only, RFC 8617 section 5.1.2
		for _, before := range c.sets {
			sealed = append(dkim.AppendField(appendSet(sealed, before), before.seal, true), "\r\n"...)
		}
	}
	seal, err := sign(key, appendSet(sealed, s), fmt.Sprintf("ARC-Seal: i=%d; a=%s; cv=%s;\r\n\td=%s; s=%s; t=%d;\r\n\tb=",
		n, key.Algorithm(), cv, domain, key.Selector, now.Unix()))
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, f := range [][]byte{seal, message, s.results.Raw} {
		out = append(append(out, f...), "\r\n"...)
	}
	return out, nil
}

// sign completes a field whose tag b= is empty.
func sign(key dkim.Key, data []byte, text string) ([]byte, error) {
	h := sha256.New()
	h.Write(data)
	b, err := key.SignField(h, text)
	return []byte(text + b), err
}

// field folds a value at the semicolons of its results.
func field(name, value string) dkim.Field {
	parts := strings.Split(value, ";")
	for i := range parts {
		parts[i] = strings.Join(strings.Fields(parts[i]), " ")
	}
	text := name + ": " + parts[0]
	for i, p := range parts[1:] {
		if i == 0 {
			text += "; " + p
		} else {
			text += ";\r\n\t" + p
		}
	}
	return dkim.Field{Name: strings.ToLower(name), Raw: []byte(text)}
}
