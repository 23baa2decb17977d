package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// rsaBits of new keys: what receivers accept and the record of which fits into one answer (RFC 8301 section 3.2).
const rsaBits = 2048

// Key signs under one selector.
type Key struct {
	Selector string
	private  crypto.Signer // *rsa.PrivateKey or ed25519.PrivateKey
}

// Algorithm is the tag a=.
func (k Key) Algorithm() string {
	if _, ok := k.private.(ed25519.PrivateKey); ok {
		return "ed25519-sha256"
	}
	return "rsa-sha256"
}

// Record is the value of the TXT record that publishes the key (RFC 6376 section 3.6.1, RFC 8463 section 4), on one line.
func (k Key) Record() (string, error) {
	if public, ok := k.private.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	}
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		return "", fmt.Errorf("public key of %s: %w", k.Selector, err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
}

// sign a SHA-256 hash.
func (k Key) sign(hashed []byte) ([]byte, error) {
	if private, ok := k.private.(ed25519.PrivateKey); ok {
		return ed25519.Sign(private, hashed), nil // RFC 8463 section 3: the hash is the message
	}
	return k.private.Sign(rand.Reader, hashed, crypto.SHA256)
}

// open reads a key, and makes it when the file is missing.
func open(file, selector string, generate func() (crypto.Signer, error)) (Key, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return create(file, selector, generate)
	}
	if err != nil {
		return Key{}, fmt.Errorf("read a DKIM key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return Key{}, fmt.Errorf("%s is no key in PEM: restore it from a backup, or move it away so that a new one is made", file)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if private, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return Key{}, fmt.Errorf("%s is no private key (PKCS #8): restore it from a backup, or move it away so that a new one is made", file)
		}
	}
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return Key{selector, p}, nil
	case ed25519.PrivateKey:
		return Key{selector, p}, nil
	}
	return Key{}, fmt.Errorf("%s is a key of a kind that DKIM does not know: use RSA or Ed25519", file)
}

// create writes a new key, readable by its owner only.
func create(file, selector string, generate func() (crypto.Signer, error)) (Key, error) {
	private, err := generate()
	if err != nil {
		return Key{}, fmt.Errorf("make a DKIM key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, fmt.Errorf("make a DKIM key: %w", err)
	}
	if err := writeFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return Key{}, fmt.Errorf("write a DKIM key: %w", err)
	}
	return Key{selector, private}, nil
}

// writeFile is there whole or not at all after a crash.
func writeFile(file string, b []byte) error {
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func generateRSA() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, rsaBits) }

func generateEd25519() (crypto.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return private, err
}
