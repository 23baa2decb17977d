package store

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost of a password: 12 MiB and 3 passes, the smaller of OWASP's settings of argon2id, so that a small machine serves many logins.
const (
	argonTime, argonKiB, argonThreads = 3, 12 * 1024, 1
	maxPassword                       = 1024
)

// hashing bounds the memory that logins take together.
var hashing = make(chan struct{}, 2)

func argon(password string, salt []byte) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, argonTime, argonKiB, argonThreads, 32)
}

// HashPassword makes what Account.Password holds: argon2id (RFC 9106) in the PHC string format.
func HashPassword(password string) []byte {
	salt := make([]byte, 16)
	rand.Read(salt)
	return fmt.Appendf(nil, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonKiB, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(argon(password, salt)))
}

// Authenticate checks a password, in the same time whether or not the account exists.
func (s *Store) Authenticate(a Address, password string) (Account, bool) {
	account, err := s.Account(a)
	fields := strings.Split(string(account.Password), "$")
	known := err == nil && len(fields) == 6 && fields[1] == "argon2id" && len(password) <= maxPassword
	salt, want := make([]byte, 16), make([]byte, 32)
	if known {
		salt, _ = base64.RawStdEncoding.DecodeString(fields[4])
		want, _ = base64.RawStdEncoding.DecodeString(fields[5])
	} else if len(password) > maxPassword {
		password = ""
	}
	same := subtle.ConstantTimeCompare(argon(password, salt), want) == 1
	return account, known && same
}
