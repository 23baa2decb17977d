// Package imapd serves the archive by IMAP (RFC 3501, RFC 9051): a mailbox for each list, INBOX for all lists of an account,
// and the held posts of a list for those who moderate it. Nothing in a mailbox can be changed but an account's own flags.
//
// One goroutine serves a session: it reads a command (package wire), runs it from the table in command.go, and writes the answer.
// Sections are cut from the stored bytes, ENVELOPE and BODYSTRUCTURE were made when the post was accepted, and what a client has
// been told of a mailbox is kept in a few numbers, for a list's log only grows. No transaction of the store is open while a client
// is written to.
package imapd
