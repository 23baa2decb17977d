// Package mbox brings mail into a list's archive and out of it: mbox files (plain or gzip), Maildir, folders of message files.
//
// The command line and the control socket call Import and Export; the pages use Writer for the mbox of a thread or a month.
//
// It promises: messages are read one at a time, in the order of the file and of file names; posts are stored with CRLF at the end of every
// line and otherwise unchanged; importing again adds nothing; what Writer wrote imports to the same stored bytes; and whatever is not
// imported is told with its place and the reason.
//
// Formats. A line `From sender date` begins a message after an empty line, at the start of the file, and where a header field follows; what
// looks like one but has no date is text, and so is one within the body that Content-Length announces, unless a field follows. One > is taken
// off lines of > and `From ` (mboxrd). An mbox of the older kind (mboxo), which quotes only `From ` itself, cannot be
// told from mboxrd: there a line that the author began with `>From ` loses its >. Line ends of a message may be LF or CRLF. Writer writes
// mboxrd with LF and the sender `mboxrd@sangam`, which tells the reader that every LF stands for CRLF, so that a CR before it belongs to the text.
package mbox
