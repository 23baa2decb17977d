package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// Limits of keywords of one account on one list.
const (
	maxKeywords      = 50
	maxKeywordLength = 100
)

// Flags of an account on a list: for each flag (\Seen, \Answered, \Flagged, keywords in the spelling first used) its
// numbers.
type Flags map[string]NumSet

// FlagChange adds and removes flags of some posts of a list.
type FlagChange struct {
	List        uint64
	Numbers     []uint64
	Add, Remove []string
	Replace     bool // Add becomes the whole set
}

func flagPrefix(account Address, list uint64) []byte {
	return key(tFlag, terminated(string(account)), list)
}

// Flags reads all flags of an account on a list.
func (s *Store) Flags(account Address, list uint64) (f Flags, err error) {
	err = s.engine.View(func(tx Tx) error {
		f = readFlags(tx, account, list)
		return nil
	})
	return f, err
}

func readFlags(tx Tx, account Address, list uint64) Flags {
	f := Flags{}
	prefix := flagPrefix(account, list)
	for k, c := range tx.Scan(prefix, after(prefix)) {
		name, _, _ := bytes.Cut(k[len(prefix):], []byte{0})
		set := f[string(name)]
		if set.chunks == nil {
			set.chunks = map[uint64][]byte{}
		}
		set.chunks[lastNumber(k)] = bytes.Clone(c)
		f[string(name)] = set
	}
	return f
}

// spelling returns the flag as the account already spells it, for flags are the same in any case of letters.
func (f Flags) spelling(flag string) string {
	for name := range f {
		if strings.EqualFold(name, flag) {
			return name
		}
	}
	return flag
}

// ChangeFlags changes flags of an account in one commit.
func (s *Store) ChangeFlags(account Address, changes []FlagChange) error {
	err := s.engine.Update(func(tx Tx) error {
		for _, c := range changes {
			if err := changeFlags(tx, account, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("change flags: %w", err)
	}
	s.notify(topic{kind: 'f', account: account})
	return nil
}

func changeFlags(tx Tx, account Address, c FlagChange) error {
	have := readFlags(tx, account, c.List)
	remove := c.Remove
	if c.Replace {
		for name := range have {
			remove = append(remove[:len(remove):len(remove)], name)
		}
	}
	for _, flag := range remove {
		if err := writeFlag(tx, account, c.List, have.spelling(flag), c.Numbers, clearBitmap); err != nil {
			return err
		}
	}
	for _, flag := range c.Add {
		if flag == "" || len(flag) > maxKeywordLength || strings.ContainsRune(flag, 0) {
			return fmt.Errorf("a keyword has 1 to %d bytes", maxKeywordLength)
		}
		flag = have.spelling(flag)
		if _, known := have[flag]; !known {
			if len(have) >= maxKeywords {
				return fmt.Errorf("there are %d keywords on this list already: remove some first", maxKeywords)
			}
			have[flag] = NumSet{}
		}
		if err := writeFlag(tx, account, c.List, flag, c.Numbers, setBit); err != nil {
			return err
		}
	}
	return nil
}

func clearBitmap(c []byte, at uint64) []byte {
	clearBit(c, at)
	return c
}

// writeFlag changes the bits of some numbers; each bitmap is written once, an empty one is deleted.
func writeFlag(tx Tx, account Address, list uint64, flag string, ns []uint64, change func([]byte, uint64) []byte) error {
	chunks := map[uint64][]byte{}
	row := func(i uint64) []byte {
		return binary.BigEndian.AppendUint64(append(flagPrefix(account, list), terminated(flag)...), i)
	}
	for _, n := range ns {
		i := n / bitmapNumbers
		if _, ok := chunks[i]; !ok {
			chunks[i] = bytes.Clone(tx.Get(row(i)))
		}
		chunks[i] = change(chunks[i], n%bitmapNumbers)
	}
	for i, c := range chunks {
		c = bytes.TrimRight(c, "\x00")
		var err error
		if len(c) == 0 {
			err = tx.Delete(row(i))
		} else {
			err = tx.Put(row(i), c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
