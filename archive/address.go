package archive

import (
	"strings"

	"wesouthasians.org/sangam/store"
)

// maxAddresses of one field; what follows is ignored.
const maxAddresses = 2000

// mailbox is one entry of an address field. A group's start has only a name and group set, its end only group.
type mailbox struct {
	name        string // raw: encoded words and 8-bit bytes are not decoded
	local, host string
	group       bool
}

// parseAddresses reads an address list (RFC 5322 section 3.4, obsolete and broken forms): it takes comments for names, unquoted commas in
// names, missing brackets and the "user at host" of web archives.
func parseAddresses(s string) []mailbox {
	p := addressParser{s: s}
	p.list()
	return p.out
}

type addressParser struct {
	s       string
	pos     int
	out     []mailbox
	phrase  []string // words seen
	glue    bool     // the next word follows the last one without a blank
	comment string
	angle   string
	bracket bool
	group   bool
	carried string // "Rao" of "Rao, Asha <asha@…>"
}

func (p *addressParser) list() {
	for p.pos < len(p.s) && len(p.out) < maxAddresses {
		switch c := p.s[p.pos]; c {
		case ' ', '\t', '\r', '\n':
			p.pos++
			p.glue = false
		case '"':
			start := p.pos
			value, rest := cutQuoted(p.s[start:])
			p.pos = len(p.s) - len(rest)
			if strings.HasPrefix(rest, "@") { // a quoted local part stays quoted
				value = p.s[start:p.pos]
			}
			p.word(value)
		case '(':
			p.comment = p.takeComment()
		case '<':
			p.takeAngle()
		case ',':
			p.pos++
			p.finish(true)
		case ';':
			p.pos++
			p.finish(false)
			if p.group {
				p.group = false
				p.out = append(p.out, mailbox{group: true})
			}
		case ':':
			p.pos++
			p.colon()
		default:
			end := p.pos + 1
			for end < len(p.s) && strings.IndexByte(" \t\r\n\"(<,;:", p.s[end]) < 0 {
				end++
			}
			p.word(p.s[p.pos:end])
			p.pos = end
		}
	}
	p.finish(false)
	if p.group {
		p.out = append(p.out, mailbox{group: true})
	}
}

func (p *addressParser) word(w string) {
	if p.glue && len(p.phrase) > 0 {
		p.phrase[len(p.phrase)-1] += w
	} else {
		p.phrase = append(p.phrase, w)
	}
	p.glue = true
}

func (p *addressParser) takeComment() string {
	depth, start := 0, p.pos+1
	for i := p.pos; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				p.pos = i + 1
				return p.s[start:i]
			}
		}
	}
	p.pos = len(p.s)
	return p.s[start:]
}

func (p *addressParser) takeAngle() {
	rest := p.s[p.pos+1:]
	end := len(rest)
	quoted := false
scan:
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == '>' && !quoted:
			end = i
			break scan
		case c == '<' && !quoted: // "<a@b <c@d>"
			end = i - 1
			break scan
		}
	}
	p.angle, p.bracket = strings.TrimSpace(rest[:max(end, 0)]), true
	p.pos += min(1+max(end, 0)+1, len(p.s)-p.pos)
	p.glue = false
	if end < 0 {
		p.bracket = false
	}
}

// colon ends the name of a group, or belongs to a word.
func (p *addressParser) colon() {
	name := strings.Join(p.phrase, " ")
	if p.bracket || p.group || name == "" || strings.ContainsAny(name, "@[") {
		p.word(":")
		return
	}
	p.group = true
	p.out = append(p.out, mailbox{name: name, group: true})
	p.phrase, p.comment, p.glue = nil, "", false
}

// finish adds the entry read so far. comma tells that it may be the first half of a name with an unquoted comma.
func (p *addressParser) finish(comma bool) {
	name := strings.Join(p.phrase, " ")
	addr, words, bracket := p.angle, p.phrase, p.bracket
	comment, carried := p.comment, p.carried
	p.phrase, p.comment, p.angle, p.bracket, p.glue, p.carried = nil, "", "", false, false, ""
	switch {
	case bracket:
		if carried != "" {
			name = carried + ", " + name
			carried = ""
		}
	case len(words) == 3 && strings.EqualFold(words[1], "at"):
		addr, name = words[0]+"@"+words[2], ""
	case strings.Contains(name, "@"):
		addr, name = name, ""
		if len(words) > 1 { // "Asha Rao asha@example.org"
			for i, w := range words {
				if at := strings.IndexByte(w, '@'); at > 0 && at < len(w)-1 {
					addr, name = w, strings.Join(append(words[:i:i], words[i+1:]...), " ")
					break
				}
			}
		}
	case name != "" && comma && carried == "":
		p.carried = name
		return
	default:
		addr, name = name, ""
	}
	if carried != "" {
		p.out = append(p.out, split(carried, ""))
	}
	if name == "" {
		name = comment
	}
	if addr != "" || name != "" {
		p.out = append(p.out, split(addr, name))
	}
}

// split takes an address apart at its last @, without the route of RFC 5322's obs-angle-addr.
func split(addr, name string) mailbox {
	addr = strings.TrimPrefix(strings.Trim(addr, " '"), "mailto:")
	if strings.ContainsAny(addr, "(") || strings.Contains(addr, "@") && strings.Contains(addr, " ") && !strings.Contains(addr, `"`) {
		addr = strings.ReplaceAll(cutComments(addr), " ", "") // RFC 5322 section 4.4 allowed both anywhere
	}
	if strings.HasPrefix(addr, "@") {
		if i := strings.IndexByte(addr, ':'); i > 0 {
			addr = addr[i+1:]
		}
	}
	if i := strings.LastIndexByte(addr, '@'); i >= 0 {
		return mailbox{name: name, local: strings.TrimSpace(addr[:i]), host: strings.Trim(addr[i+1:], " .")}
	}
	if w := strings.Fields(addr); len(w) == 3 && strings.EqualFold(w[1], "at") {
		return mailbox{name: name, local: w[0], host: w[2]}
	}
	return mailbox{name: name, local: addr}
}

func cutComments(s string) string {
	var b strings.Builder
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// address in identifying form; ok is false for groups and what is no address.
func (m mailbox) address() (store.Address, bool) {
	if m.local == "" || m.host == "" {
		return "", false
	}
	a, err := store.ParseAddress(m.local + "@" + m.host)
	return a, err == nil
}

// Addresses returns the addresses of all fields of this name, groups taken apart, what is no address left out.
func (h Header) Addresses(name string) []store.Address {
	var as []store.Address
	for _, v := range h.Values(name) {
		for _, m := range parseAddresses(v) {
			if a, ok := m.address(); ok && len(as) < maxAddresses {
				as = append(as, a)
			}
		}
	}
	return as
}

// Mailbox is an address as it was written, with its decoded display name.
type Mailbox struct{ Name, Address string }

// Mailboxes returns those of all fields of this name whose addresses are valid.
func (h Header) Mailboxes(name string) []Mailbox {
	var ms []Mailbox
	for _, v := range h.Values(name) {
		for _, m := range parseAddresses(v) {
			if _, ok := m.address(); ok && len(ms) < maxAddresses {
				ms = append(ms, Mailbox{decodeWords(m.name, ""), m.local + "@" + m.host})
			}
		}
	}
	return ms
}

// author is the first address of From (else Sender) with its decoded display name, the address itself when it has none.
func (h Header) author() (display string, a store.Address) {
	for _, field := range []string{"From", "Sender"} {
		for _, m := range parseAddresses(h.Get(field)) {
			if m.group {
				continue
			}
			name := decodeWords(m.name, h.charset)
			a, ok := m.address()
			if name == "" {
				name = string(a)
			}
			if name == "" {
				name = decodeWords(m.text(), h.charset)
			}
			if display == "" || ok {
				display = name
			}
			if ok {
				return display, a
			}
		}
		if display != "" {
			return display, ""
		}
	}
	return display, ""
}

func (m mailbox) text() string {
	if m.host == "" {
		return m.local
	}
	return m.local + "@" + m.host
}
