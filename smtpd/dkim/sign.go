package dkim

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"
)

// signed are the fields that a signature covers where a message has them.
var signed = []string{"from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references", "mime-version",
	"content-type", "content-transfer-encoding", "list-id", "list-post", "list-help", "list-subscribe", "list-unsubscribe",
	"list-unsubscribe-post", "list-owner", "list-archive", "archived-at"}

// oversigned fields are named once more than a message has them, so that none can be added (RFC 6376 section 8.15).
var oversigned = []string{"from", "reply-to", "to", "cc", "subject", "date", "message-id", "content-type", "list-unsubscribe", "list-unsubscribe-post"}

// Message is one that is signed for many recipients: its body is hashed, and what all copies share of its header.
type Message struct {
	domain string
	keys   []Key
	body   string // hash, base64
	fields []Field
}

// Prepare hashes the body of a message whose lines end in CRLF. Signatures are in the name of domain (the tag d=).
func Prepare(raw []byte, domain string, keys []Key) *Message {
	fields, body := Split(raw)
	return &Message{domain, keys, base64.StdEncoding.EncodeToString(BodyHash(body, true, -1)), fields}
}

// Sign returns the DKIM-Signature fields, with CRLF, of a copy: head are whole fields of its own that stand on top of the message.
func (m *Message) Sign(head []byte, now time.Time) ([]byte, error) {
	own, _ := Split(head)
	names, data := Cover(append(own, m.fields...), signed, oversigned)
	h := sha256.New()
	h.Write(data)
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	var out bytes.Buffer
	for _, k := range m.keys {
		if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		field := fmt.Sprintf("DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n\td=%s; s=%s; t=%d;\r\n\th=%s;\r\n\tbh=%s;\r\n\tb=",
			k.Algorithm(), m.domain, k.Selector, now.Unix(), Wrap(strings.Join(names, ":"), ":"), m.body)
		signature, err := k.SignField(h, field)
		if err != nil {
			return nil, err
		}
		out.WriteString(field + signature + "\r\n")
	}
	return out.Bytes(), nil
}

// Cover selects what is signed of a header: the names for the tag h=, and the bytes to hash. Fields of the wanted names are covered where there
// are any; those of extra are named once more.
func Cover(fields []Field, wanted, extra []string) (names []string, data []byte) {
	for _, name := range wanted {
		for _, f := range slices.Backward(fields) { // the last field of a name first, RFC 6376 section 5.4.2
			if f.Name == name {
				names = append(names, name)
				data = append(AppendField(data, f, true), "\r\n"...)
			}
		}
		if slices.Contains(extra, name) {
			names = append(names, name)
		}
	}
	return names, data
}

// SignField adds a field that ends in an empty tag b= to what is hashed already (SHA-256), and returns the value of the tag, folded.
func (k Key) SignField(h hash.Hash, field string) (string, error) {
	name, _, _ := strings.Cut(field, ":")
	h.Write(AppendField(nil, Field{strings.ToLower(name), []byte(field)}, true))
	b, err := k.sign(h.Sum(nil))
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", k.Selector, err)
	}
	return Wrap(base64.StdEncoding.EncodeToString(b), ""), nil
}

// lineLength of folded values.
const lineLength = 70

// Wrap folds a value behind a separator; an empty one: anywhere.
func Wrap(value, separator string) string {
	var b strings.Builder
	for len(value) > lineLength {
		n := lineLength
		if separator != "" {
			if i := strings.LastIndex(value[:n], separator); i > 0 {
				n = i + len(separator)
			}
		}
		b.WriteString(value[:n] + "\r\n\t")
		value = value[n:]
	}
	b.WriteString(value)
	return b.String()
}
