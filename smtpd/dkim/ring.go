package dkim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Pair are two keys that sign side by side: RSA under the selector, Ed25519 under the selector with "-ed25519" behind it.
type Pair struct {
	Selector string
	Keys     []Key // RSA first
	Signing  bool  // this is the pair that signs
}

// Ring is a folder of key pairs: SELECTOR.rsa.pem and SELECTOR.ed25519.pem, and a file "signing" that names the pair that signs. All pairs are
// published; one signs. It is safe for concurrent use.
type Ring struct {
	dir, selector string

	mu      sync.RWMutex
	pairs   []Pair
	signing string
}

const signingFile = "signing"

// Errors of a rotation that cannot be.
var (
	ErrRotating = errors.New("a new pair of keys waits already: publish its records (see `sangam dns`), then run `sangam dkim activate`")
	ErrNoNew    = errors.New("there is no newer pair of keys: make one with `sangam dkim rotate`")
)

// Open reads the keys of a folder. A first pair of the selector is made when there is none.
func Open(dir, selector string) (*Ring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the DKIM keys: %w", err)
	}
	r := &Ring{dir: dir, selector: selector}
	return r, r.Reload()
}

// Reload reads the folder again.
func (r *Ring) Reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	files, err := filepath.Glob(filepath.Join(r.dir, "*.rsa.pem"))
	if err != nil {
		return fmt.Errorf("read the DKIM keys: %w", err)
	}
	var selectors []string
	for _, f := range files {
		selectors = append(selectors, strings.TrimSuffix(filepath.Base(f), ".rsa.pem"))
	}
	own := func(s string) bool { return r.generation(s) > 0 }
	if !slices.ContainsFunc(selectors, own) {
		selectors = append(selectors, r.selector)
	}
	slices.SortStableFunc(selectors, func(a, b string) int { return r.generation(a) - r.generation(b) })
	var pairs []Pair
	for _, s := range selectors {
		p, err := r.open(s)
		if err != nil {
			return err
		}
		pairs = append(pairs, p)
	}
	name, err := os.ReadFile(filepath.Join(r.dir, signingFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the DKIM keys: %w", err)
	}
	signing := strings.TrimSpace(string(name))
	if !own(signing) || !slices.Contains(selectors, signing) {
		signing = selectors[slices.IndexFunc(selectors, own)]
	}
	r.pairs, r.signing = pairs, signing
	return nil
}

func (r *Ring) open(selector string) (Pair, error) {
	a, err := open(filepath.Join(r.dir, selector+".rsa.pem"), selector, generateRSA)
	if err != nil {
		return Pair{}, err
	}
	b, err := open(filepath.Join(r.dir, selector+".ed25519.pem"), selector+"-ed25519", generateEd25519)
	return Pair{Selector: selector, Keys: []Key{a, b}}, err
}

// generation of a pair: the selector's own is 1, SELECTOR2 is 2; 0: it is of another selector.
func (r *Ring) generation(name string) int {
	if name == r.selector {
		return 1
	}
	rest, ok := strings.CutPrefix(name, r.selector)
	if n, err := strconv.Atoi(rest); ok && err == nil && n > 1 {
		return n
	}
	return 0
}

// Pairs are all keys, to be published, oldest first.
func (r *Ring) Pairs() []Pair {
	r.mu.RLock()
	defer r.mu.RUnlock()
	pairs := slices.Clone(r.pairs)
	for i := range pairs {
		pairs[i].Signing = pairs[i].Selector == r.signing
	}
	return pairs
}

// Keys that sign.
func (r *Ring) Keys() []Key {
	for _, p := range r.Pairs() {
		if p.Signing {
			return p.Keys
		}
	}
	return nil
}

// Rotate makes a new pair, to be published beside the others. It does not sign yet. ErrRotating when one waits already.
func (r *Ring) Rotate() (Pair, error) {
	pairs := r.Pairs()
	last := pairs[len(pairs)-1]
	if !last.Signing {
		return Pair{}, ErrRotating
	}
	p, err := r.open(r.selector + strconv.Itoa(r.generation(last.Selector)+1))
	if err != nil {
		return Pair{}, err
	}
	return p, r.Reload()
}

// Activate lets the newest pair sign. The others stay published, for mail that is on its way. ErrNoNew.
func (r *Ring) Activate() (Pair, error) {
	pairs := r.Pairs()
	last := pairs[len(pairs)-1]
	if last.Signing {
		return Pair{}, ErrNoNew
	}
	if err := writeFile(filepath.Join(r.dir, signingFile), []byte(last.Selector+"\n")); err != nil {
		return Pair{}, fmt.Errorf("activate DKIM keys: %w", err)
	}
	last.Signing = true
	return last, r.Reload()
}

// Retire deletes the pairs that are older than the one that signs, and returns them: their records can go from the DNS.
func (r *Ring) Retire() ([]Pair, error) {
	var gone []Pair
	for _, p := range r.Pairs() {
		if p.Signing {
			break
		}
		for _, kind := range []string{".ed25519.pem", ".rsa.pem"} {
			if err := os.Remove(filepath.Join(r.dir, p.Selector+kind)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return gone, fmt.Errorf("delete a DKIM key: %w", err)
			}
		}
		gone = append(gone, p)
	}
	return gone, r.Reload()
}
