package wire

import (
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Fetch is what a client asks of messages, RFC 9051 section 6.4.5.
type Fetch struct {
	imap.FetchOptions
	Body, BodyStructure bool                                  // BODY, without the extension data, and BODYSTRUCTURE
	names               map[*imap.FetchItemBodySection]string // of RFC822 and the like, which are answered under the name they were asked by
}

// Fetch reads the arguments of FETCH behind its set.
func (a *Args) Fetch() *Fetch {
	f := &Fetch{}
	if a.Next('(') {
		a.List(func() { f.item(a, a.Word()) })
		return f
	}
	switch name := a.Word(); name {
	case "ALL", "FAST", "FULL":
		f.Flags, f.InternalDate, f.RFC822Size = true, true, true
		f.Envelope, f.Body = name != "FAST", name == "FULL"
	default:
		f.item(a, name)
	}
	return f
}

func (f *Fetch) item(a *Args, name string) {
	peek := strings.HasSuffix(name, ".PEEK")
	switch name {
	case "UID":
		f.UID = true
	case "FLAGS":
		f.Flags = true
	case "INTERNALDATE":
		f.InternalDate = true
	case "RFC822.SIZE":
		f.RFC822Size = true
	case "ENVELOPE":
		f.Envelope = true
	case "BODYSTRUCTURE":
		f.BodyStructure = true
	case "RFC822", "RFC822.PEEK":
		f.named(name, &imap.FetchItemBodySection{Peek: peek})
	case "RFC822.HEADER":
		f.named(name, &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, Peek: true})
	case "RFC822.TEXT":
		f.named(name, &imap.FetchItemBodySection{Specifier: imap.PartSpecifierText})
	case "BODY", "BODY.PEEK":
		if !peek && !a.Next('[') {
			f.Body = true
			return
		}
		s := a.section()
		s.Partial, s.Peek = a.partial(), peek
		f.BodySection = append(f.BodySection, s)
	case "BINARY", "BINARY.PEEK":
		s := &imap.FetchItemBinarySection{Part: a.binaryPart()}
		s.Partial, s.Peek = a.partial(), peek
		f.BinarySection = append(f.BinarySection, s)
	case "BINARY.SIZE":
		f.BinarySectionSize = append(f.BinarySectionSize, &imap.FetchItemBinarySectionSize{Part: a.binaryPart()})
	default:
		a.Fail("%q is no item of a message", cut([]byte(name)))
	}
}

func (f *Fetch) named(name string, s *imap.FetchItemBodySection) {
	if f.names == nil {
		f.names = map[*imap.FetchItemBodySection]string{}
	}
	f.names[s] = name
	f.BodySection = append(f.BodySection, s)
}

// section reads [1.2.MIME] and the like.
func (a *Args) section() *imap.FetchItemBodySection {
	s := &imap.FetchItemBodySection{}
	a.Expect('[')
	if a.Accept(']') {
		return s
	}
	for isDigit(a.next()) {
		s.Part = append(s.Part, a.partNumber())
		if a.Accept(']') {
			return s
		}
		a.Expect('.')
	}
	switch name := a.Word(); name {
	case "HEADER", "TEXT":
		s.Specifier = imap.PartSpecifier(name)
	case "MIME":
		s.Specifier = imap.PartSpecifierMIME
		if len(s.Part) == 0 {
			a.Fail("MIME must follow the number of a part")
		}
	case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
		s.Specifier = imap.PartSpecifierHeader
		a.SP()
		var names []string
		a.List(func() { names = append(names, a.AString()) })
		if len(names) == 0 {
			a.Fail("%s must name fields", name)
		}
		if name == "HEADER.FIELDS" {
			s.HeaderFields = names
		} else {
			s.HeaderFieldsNot = names
		}
	default:
		a.Fail("%q is no section of a message", cut([]byte(name)))
	}
	a.Expect(']')
	return s
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (a *Args) partNumber() int {
	n := a.Number()
	if n == 0 {
		a.Fail("Parts are counted from 1")
	}
	return int(n)
}

func (a *Args) binaryPart() (part []int) {
	a.Expect('[')
	if a.Accept(']') {
		return nil
	}
	for a.err == nil {
		part = append(part, a.partNumber())
		if a.Accept(']') {
			break
		}
		a.Expect('.')
	}
	return part
}

// partial reads <offset.size>, nil when it is not there.
func (a *Args) partial() *imap.SectionPartial {
	if !a.Accept('<') {
		return nil
	}
	p := &imap.SectionPartial{Offset: a.Number64()}
	a.Expect('.')
	if p.Size = a.Number64(); p.Size == 0 {
		a.Fail("A part of a section has at least one octet")
	}
	a.Expect('>')
	return p
}

// Section writes the name of an item as it is answered, without the blank.
func (w *Writer) Section(f *Fetch, s *imap.FetchItemBodySection) *Writer {
	if name, ok := f.names[s]; ok {
		return w.Raw(name)
	}
	w.Raw("BODY[").path(s.Part)
	if s.Specifier != imap.PartSpecifierNone {
		if len(s.Part) > 0 {
			w.Raw(".")
		}
		w.Raw(string(s.Specifier))
	}
	if len(s.HeaderFields) > 0 {
		w.Raw(".FIELDS ").names(s.HeaderFields)
	} else if len(s.HeaderFieldsNot) > 0 {
		w.Raw(".FIELDS.NOT ").names(s.HeaderFieldsNot)
	}
	return w.Raw("]").origin(s.Partial)
}

// BinarySection writes the name of an item as it is answered, without the blank.
func (w *Writer) BinarySection(s *imap.FetchItemBinarySection) *Writer {
	return w.Raw("BINARY[").path(s.Part).Raw("]").origin(s.Partial)
}

// BinarySize writes a whole item.
func (w *Writer) BinarySize(s *imap.FetchItemBinarySectionSize, n int64) *Writer {
	return w.Raw("BINARY.SIZE[").path(s.Part).Raw("] ").Number(n)
}

func (w *Writer) path(part []int) *Writer {
	for i, n := range part {
		if i > 0 {
			w.Raw(".")
		}
		w.Number(int64(n))
	}
	return w
}

func (w *Writer) names(names []string) {
	w.Raw("(")
	for i, n := range names {
		w.space(i).String(n)
	}
	w.Raw(")")
}

func (w *Writer) origin(p *imap.SectionPartial) *Writer {
	if p != nil {
		w.Raw("<").Number(p.Offset).Raw(">")
	}
	return w
}
