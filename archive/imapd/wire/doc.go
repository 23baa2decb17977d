// Package wire reads the commands of an IMAP client and writes the answers of a server (RFC 9051 section 9, and RFC 3501 for what older
// clients say), in the types of go-imap. Package imapd uses it for every connection.
//
// It promises: a command is read whole before it is looked at, so that no literal of a refused command is taken for commands; a command
// takes bounded memory, whatever a client sends; and nothing that is written can be taken for something else by a client.
package wire
