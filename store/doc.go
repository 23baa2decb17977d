// Package store keeps everything Sangam knows: lists, members, accounts, the numbered log of accepted posts, held
// posts and the outbox. It is the leftmost package: it imports no other package of Sangam.
//
// The one idea: a list is a numbered log of accepted posts, accepting a post is one commit, all else is a follower
// with a cursor. Each exported method that changes something is one use case and one transaction; it returns only
// when the change is durable. No transaction leaves the package: what methods return are copies.
//
// The use cases are written once over a small ordered key-value contract (Engine); package bolt is the embedded
// engine, package storetest the suite that every engine passes.
package store
