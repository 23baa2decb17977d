package wire

import (
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"
)

// Structure writes the value of BODYSTRUCTURE (extended) or BODY, RFC 9051 section 7.5.2.
func (w *Writer) Structure(bs imap.BodyStructure, extended bool) *Writer {
	w.Raw("(")
	switch bs := bs.(type) {
	case *imap.BodyStructureMultiPart:
		for _, child := range bs.Children {
			w.Structure(child, extended)
		}
		w.Raw(" ").String(bs.Subtype)
		if e := bs.Extended; extended && e != nil {
			w.Raw(" ").params(e.Params)
			w.extension(e.Disposition, e.Language, e.Location)
		}
	case *imap.BodyStructureSinglePart:
		w.part(bs, extended)
	}
	return w.Raw(")")
}

func (w *Writer) part(bs *imap.BodyStructureSinglePart, extended bool) {
	w.String(bs.Type).Raw(" ").String(bs.Subtype).Raw(" ").params(bs.Params)
	w.Raw(" ").NString(bs.ID).Raw(" ").NString(bs.Description).Raw(" ").String(bs.Encoding).Raw(" ").Number(int64(bs.Size))
	switch {
	case bs.MessageRFC822 != nil:
		m := bs.MessageRFC822
		w.Raw(" ").Envelope(m.Envelope).Raw(" ").Structure(m.BodyStructure, extended).Raw(" ").Number(m.NumLines)
	case bs.Text != nil:
		w.Raw(" ").Number(bs.Text.NumLines)
	}
	if e := bs.Extended; extended && e != nil {
		w.Raw(" NIL") // MD5
		w.extension(e.Disposition, e.Language, e.Location)
	}
}

func (w *Writer) extension(d *imap.BodyStructureDisposition, languages []string, location string) {
	if w.Raw(" "); d == nil {
		w.Raw("NIL")
	} else {
		w.Raw("(").String(d.Value).Raw(" ").params(d.Params)
		w.Raw(")")
	}
	if w.Raw(" "); len(languages) == 0 {
		w.Raw("NIL")
	} else {
		w.Raw("(")
		for i, l := range languages {
			w.space(i).String(l)
		}
		w.Raw(")")
	}
	w.Raw(" ").NString(location)
}

func (w *Writer) params(params map[string]string) {
	if len(params) == 0 {
		w.Raw("NIL")
		return
	}
	w.Raw("(")
	for i, k := range slices.Sorted(maps.Keys(params)) {
		w.space(i).String(k).Raw(" ").String(params[k])
	}
	w.Raw(")")
}
