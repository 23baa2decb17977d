// Package search finds posts in the archives of lists: by words in every script, by phrases, authors, dates and attachments. Pages, mail
// commands, the command line and IMAP ask it.
//
// Its index is a follower of the logs of all lists, in a folder beside the store. It has nothing that the store has not: it is made anew when
// it is missing, damaged, of another version or of another store. Each batch of posts goes in together with how far it reaches, so that a
// crash neither loses a post nor finds one twice. Words are indexed as they are, folded, and as stems of the language that the post is
// written in. What is shown of a post comes from the store.
//
// The caller names the lists that may be searched: those that the reader may read.
package search
