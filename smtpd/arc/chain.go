package arc

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"wesouthasians.org/sangam/smtpd/dkim"
)

// maxInstance of a set, RFC 8617 section 4.2.1.
const maxInstance = 50

// Names of the three fields of a set, in the order in which a seal covers them (RFC 8617 section 5.1.1).
const (
	resultsField = "arc-authentication-results"
	messageField = "arc-message-signature"
	sealField    = "arc-seal"
)

// set is what one server added.
type set struct {
	results, message, seal          dkim.Field
	messageTags, sealTags           tags
	hasResults, hasMessage, hasSeal bool
}

// chain is the sets of a message by instance; sets[0] is instance 1.
type chain struct {
	sets    []set
	highest int
	broken  error // its structure
}

// readChain collects the sets. A field without a valid instance, a second one of a kind and a missing one break the chain.
func readChain(fields []dkim.Field) (c chain) {
	fail := func(err error) {
		if c.broken == nil {
			c.broken = err
		}
	}
	c.sets = make([]set, 0, 4)
	for _, f := range fields {
		if f.Name != resultsField && f.Name != messageField && f.Name != sealField {
			continue
		}
		i, t, err := instance(f)
		if err != nil {
			fail(fmt.Errorf("%s: %w", f.Name, err))
		}
		if i == 0 {
			continue
		}
		c.highest = max(c.highest, i)
		for len(c.sets) < i {
			c.sets = append(c.sets, set{})
		}
		if !c.sets[i-1].add(f, t) {
			fail(fmt.Errorf("two fields %s of instance %d", f.Name, i))
		}
	}
	for n := range c.sets {
		if s := &c.sets[n]; !s.hasResults || !s.hasMessage || !s.hasSeal {
			fail(fmt.Errorf("set %d is not complete", n+1))
		}
	}
	return c
}

func (s *set) add(f dkim.Field, t tags) bool {
	switch f.Name {
	case resultsField:
		was := s.hasResults
		s.results, s.hasResults = f, true
		return !was
	case messageField:
		was := s.hasMessage
		s.message, s.messageTags, s.hasMessage = f, t, true
		return !was
	}
	was := s.hasSeal
	s.seal, s.sealTags, s.hasSeal = f, t, true
	return !was
}

// instance of a field, 0 when it has none, and its tags where it is made of tags.
func instance(f dkim.Field) (int, tags, error) {
	_, value, _ := bytes.Cut(f.Raw, []byte(":"))
	text := string(value)
	if f.Name == resultsField {
		first, _, _ := strings.Cut(text, ";")
		t, err := parseTags(first)
		if err != nil {
			return 0, nil, err
		}
		i, err := number(t["i"])
		return i, nil, err
	}
	t, err := parseTags(text)
	i, numberErr := number(t["i"])
	return i, t, errors.Join(err, numberErr)
}

func number(s string) (int, error) {
	i, err := strconv.Atoi(s)
	if err != nil || i < 1 || i > maxInstance || s != strconv.Itoa(i) {
		return 0, fmt.Errorf("instance %.10q", s)
	}
	return i, nil
}

// tags of a tag list (RFC 6376 section 3.2), blanks and folding taken out of the values.
type tags map[string]string

var errTags = errors.New("not a list of tags")

func parseTags(text string) (tags, error) {
	t, err := tags{}, error(nil)
	specs := strings.Split(text, ";")
	for n, spec := range specs {
		name, value, found := strings.Cut(spec, "=")
		name = strings.Trim(name, " \t\r\n")
		if !found && name == "" && n == len(specs)-1 {
			continue
		}
		if !found || !tagName.MatchString(name) {
			err = errTags
			continue
		}
		if _, again := t[name]; again {
			err = fmt.Errorf("tag %s stands there twice", name)
			continue
		}
		t[name] = strings.Map(func(r rune) rune {
			if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
				return -1
			}
			return r
		}, value)
	}
	return t, err
}

var (
	tagName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	signature = regexp.MustCompile(`((?:^|[:;])[ \t\r\n]*b[ \t\r\n]*=)[^;]*`)
)

// unsigned is a field with the value of its tag b= taken out, as it is hashed.
func unsigned(f dkim.Field) dkim.Field {
	return dkim.Field{Name: f.Name, Raw: signature.ReplaceAll(f.Raw, []byte("$1"))}
}
