package lists

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	"wesouthasians.org/sangam/store"
)

// tokens of a site. Each names a membership by its ID, which is derived from list and address and needs no row, so a
// token is as good in ten years as today.
type tokens struct {
	verp, unsubscribe, held signer
}

func newTokens(st *store.Store) tokens {
	return tokens{
		verp:        signer{st.Key("verp"), 5}, // a forged one costs a member at most a recorded failure
		unsubscribe: signer{st.Key("unsubscribe"), 8},
		held:        signer{st.Key("held"), 8},
	}
}

// signer makes a token of 8 bytes and the first macSize bytes of their HMAC-SHA256.
type signer struct {
	key     []byte
	macSize int
}

// lower case, for local parts are folded to it on their way.
var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func (s signer) mac(id []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write(id)
	return h.Sum(nil)[:s.macSize]
}

func (s signer) make(member uint64) string {
	id := binary.BigEndian.AppendUint64(nil, member)
	return base32Lower.EncodeToString(append(id, s.mac(id)...))
}

// read compares in constant time.
func (s signer) read(token string) (uint64, bool) {
	b, err := base32Lower.DecodeString(strings.ToLower(token))
	if err != nil || len(b) != 8+s.macSize || base32Lower.EncodeToString(b) != strings.ToLower(token) {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), hmac.Equal(b[8:], s.mac(b[:8]))
}

// UnsubscribeToken is bound to member and list and works for years, in a URL and in a local part.
func (t tokens) UnsubscribeToken(member uint64) string { return t.unsubscribe.make(member) }

// ReadUnsubscribe checks a token.
func (t tokens) ReadUnsubscribe(token string) (member uint64, ok bool) {
	return t.unsubscribe.read(token)
}

// HeldToken lets its bearer decide about a held post. It ends with the decision, for the post's number is never used again.
func (t tokens) HeldToken(held uint64) string { return t.held.make(held) }

// ReadHeld checks a token of HeldToken.
func (t tokens) ReadHeld(token string) (held uint64, ok bool) { return t.held.read(token) }
