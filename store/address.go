package store

// Address is a mail address in the form that identifies it: local part folded to lower case and NFC, domain as A-label in lower case.
type Address string

// ParseAddress reads one addr-spec (RFC 5321 Mailbox, RFC 6531 for non-ASCII); no display name, no comments, no control
// characters, at most 254 bytes, local part at most 64.
func ParseAddress(s string) (Address, error) { panic("outline") }

// Local and Domain are the parts on both sides of the last @.
func (a Address) Local() string  { panic("outline") }
func (a Address) Domain() string { panic("outline") }
