// Package deliver is the follower that brings accepted posts, and mails of our own, to their recipients. It claims
// members in batches, renders a copy for each, hands the copies to a Transport and settles their fates, many in one
// commit. After a crash only what was claimed and not settled is sent again: every member gets a post at least once.
package deliver
