package wire

import "github.com/emersion/go-imap/v2"

// List is what a client asks of mailboxes, RFC 9051 section 6.3.9.
type List struct {
	imap.ListOptions
	Ref      string
	Patterns []string
}

// ListCommand reads the arguments of LIST.
func (a *Args) ListCommand() *List {
	l := &List{}
	if a.Next('(') {
		a.List(func() { l.selection(a) })
		a.SP()
	}
	l.Ref = a.AString()
	a.SP()
	if a.Next('(') {
		a.List(func() { l.Patterns = append(l.Patterns, a.ListMailbox()) })
		if len(l.Patterns) == 0 {
			a.Fail("A list of patterns must not be empty")
		}
	} else {
		l.Patterns = []string{a.ListMailbox()}
	}
	if a.Accept(' ') && !a.Next('\r') {
		if a.Word() != "RETURN" {
			a.Fail("Expected RETURN behind the pattern")
		}
		a.SP()
		a.List(func() { l.result(a) })
	}
	if l.SelectRecursiveMatch && !l.SelectSubscribed {
		a.Fail("RECURSIVEMATCH needs SUBSCRIBED with it")
	}
	return l
}

// Lsub reads the arguments of LSUB, RFC 3501 section 6.3.9.
func (a *Args) Lsub() *List {
	l := &List{Ref: a.AString()}
	l.SelectSubscribed = true
	a.SP()
	l.Patterns = []string{a.ListMailbox()}
	return l
}

func (l *List) selection(a *Args) {
	switch name := a.Word(); name {
	case "SUBSCRIBED":
		l.SelectSubscribed = true
	case "REMOTE":
		l.SelectRemote = true
	case "RECURSIVEMATCH":
		l.SelectRecursiveMatch = true
	case "SPECIAL-USE":
		l.SelectSpecialUse = true
	default:
		a.Fail("Mailboxes cannot be selected by %q", cut([]byte(name)))
	}
}

func (l *List) result(a *Args) {
	switch name := a.Word(); name {
	case "SUBSCRIBED":
		l.ReturnSubscribed = true
	case "CHILDREN":
		l.ReturnChildren = true
	case "SPECIAL-USE":
		l.ReturnSpecialUse = true
	case "STATUS":
		a.SP()
		l.ReturnStatus = a.Status()
	default:
		a.Fail("%q cannot be returned", cut([]byte(name)))
	}
}

// List writes a LIST response, or LSUB.
func (w *Writer) List(name string, d *imap.ListData) {
	w.Raw("* ", name, " (")
	for i, attr := range d.Attrs {
		w.space(i).Raw(string(attr))
	}
	w.Raw(") ").String(string(d.Delim)).Raw(" ").Mailbox(d.Mailbox)
	if d.ChildInfo != nil && d.ChildInfo.Subscribed {
		w.Raw(` (CHILDINFO ("SUBSCRIBED"))`)
	}
	w.Raw("\r\n")
}

// Mailbox writes a name, which is ASCII and has no & (RFC 3501 section 5.1.3).
func (w *Writer) Mailbox(name string) *Writer {
	if name == "INBOX" {
		return w.Raw(name)
	}
	return w.String(name)
}

// Status reads the list of items that STATUS asks for.
func (a *Args) Status() *imap.StatusOptions {
	o := &imap.StatusOptions{}
	a.List(func() {
		switch name := a.Word(); name {
		case "MESSAGES":
			o.NumMessages = true
		case "RECENT":
			o.NumRecent = true
		case "UIDNEXT":
			o.UIDNext = true
		case "UIDVALIDITY":
			o.UIDValidity = true
		case "UNSEEN":
			o.NumUnseen = true
		case "DELETED":
			o.NumDeleted = true
		case "DELETED-STORAGE":
			o.DeletedStorage = true
		case "SIZE":
			o.Size = true
		default:
			a.Fail("%q is no item of a mailbox", cut([]byte(name)))
		}
	})
	return o
}

// Status items are written by StatusData in the order of RFC 9051 section 6.3.11. Those that were not asked for are nil or zero.
func (w *Writer) StatusData(o *imap.StatusOptions, d *imap.StatusData) {
	w.Raw("* STATUS ").Mailbox(d.Mailbox).Raw(" (")
	n := 0
	item := func(asked bool, name string, value int64) {
		if asked {
			w.space(n).Raw(name, " ").Number(value)
			n++
		}
	}
	item(o.NumMessages, "MESSAGES", int64(*d.NumMessages))
	item(o.NumRecent, "RECENT", 0)
	item(o.UIDNext, "UIDNEXT", int64(d.UIDNext))
	item(o.UIDValidity, "UIDVALIDITY", int64(d.UIDValidity))
	if o.NumUnseen {
		item(true, "UNSEEN", int64(*d.NumUnseen))
	}
	item(o.NumDeleted, "DELETED", 0)
	item(o.DeletedStorage, "DELETED-STORAGE", 0)
	if o.Size {
		item(true, "SIZE", *d.Size)
	}
	w.Raw(")\r\n")
}
