// Package archive turns the raw bytes of a message into a described post: parts, header fields, text, envelope, references. It is pure: the
// same bytes give the same description, and no input makes it fail or take more than bounded time and memory.
//
// Intake calls Describe before a post is accepted, the importer before it is stored; IMAP serves sections by the offsets of Parse; the pages
// show what Read returns. Lines may end in CRLF or in bare LF: both give the same description.
package archive
