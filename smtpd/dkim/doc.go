// Package dkim signs what the server sends (RFC 6376) with RSA-2048 (RFC 8301) and Ed25519 (RFC 8463) side by side, and keeps the keys.
// Delivery signs each copy; package arc seals with the same keys and the same forms of header and body. Verifying is done with go-msgauth,
// in package auth.
package dkim
