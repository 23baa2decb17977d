// Package arc validates and extends Authenticated Received Chains (RFC 8617): what a server found out about a message when it arrived, sealed,
// so that those behind a list, which changes messages, can still rely on it. The chain is validated at arrival by package auth; delivery
// seals each post once.
package arc
