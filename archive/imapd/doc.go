// Package imapd serves the archive by IMAP (RFC 3501, RFC 9051): a mailbox for each list, INBOX for all lists of an account,
// and the held posts of a list for those who moderate it. Nothing in a mailbox can be changed but an account's own flags.
//
// The protocol is go-imap's imapserver; the sessions behind it are ours. Sections are cut from the stored bytes, ENVELOPE
// and BODYSTRUCTURE were made when the post was accepted, and what a client has been told of a mailbox is kept in a few
// numbers, for a list's log only grows. No transaction of the store is open while a client is written to.
package imapd
