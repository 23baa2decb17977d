package wire

import "wesouthasians.org/sangam/archive"

// Structure writes the value of BODYSTRUCTURE (extended) or BODY, RFC 9051 section 7.5.2.
func (w *Writer) Structure(s *archive.Structure, extended bool) *Writer {
	w.Raw("(")
	if s.Type == "multipart" {
		for _, p := range s.Parts {
			w.Structure(p, extended)
		}
		if w.Raw(" ").String(s.Subtype); extended {
			w.Raw(" ").params(s.Params).extension(s)
		}
		return w.Raw(")")
	}
	w.String(s.Type).Raw(" ").String(s.Subtype).Raw(" ").params(s.Params)
	w.Raw(" ").NString(s.ID).Raw(" ").NString(s.Description).Raw(" ").String(s.Encoding).Raw(" ").Number(s.Size)
	if s.Envelope != nil {
		w.Raw(" ").Envelope(s.Envelope).Raw(" ").Structure(s.Parts[0], extended)
	}
	if s.Envelope != nil || s.Type == "text" {
		w.Raw(" ").Number(s.Lines)
	}
	if extended {
		w.Raw(" NIL").extension(s) // no MD5
	}
	return w.Raw(")")
}

func (w *Writer) extension(s *archive.Structure) {
	if w.Raw(" "); s.Disposition == "" {
		w.Raw("NIL")
	} else {
		w.Raw("(").String(s.Disposition).Raw(" ").params(s.DispositionParams).Raw(")")
	}
	if w.Raw(" "); len(s.Languages) == 0 {
		w.Raw("NIL")
	} else {
		w.names(s.Languages)
	}
	w.Raw(" ").NString(s.Location)
}

func (w *Writer) params(params []archive.Param) *Writer {
	if len(params) == 0 {
		return w.Raw("NIL")
	}
	w.Raw("(")
	for i, p := range params {
		w.space(i).String(p.Key).Raw(" ").String(p.Value)
	}
	return w.Raw(")")
}
