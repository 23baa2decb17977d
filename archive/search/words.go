package search

import (
	"iter"
	"unicode"
	"unicode/utf8"
)

// word is a piece of a text that is found: a word, or in scripts that do not part them two letters that stand together. The last letter of
// a run of such letters is a word of its own, so that every letter begins one.
type word struct {
	term       string // folded
	start, end int    // in the text, in bytes
	joined     bool   // of a script that does not part words
}

// words are those of a text in their order.
func words(text string) iter.Seq[word] {
	return func(yield func(word) bool) {
		for at := 0; at < len(text); {
			r, n := utf8.DecodeRuneInString(text[at:])
			if !isLetter(r) {
				at += n
				continue
			}
			end, ok := at, true
			if isJoined(r) {
				end, ok = joinedRun(text, at, yield)
			} else {
				end = wordEnd(text, at)
				if term := fold(text[at:end]); term != "" {
					ok = yield(word{term: term, start: at, end: end})
				}
			}
			if !ok {
				return
			}
			at = end
		}
	}
}

// wordEnd goes on over marks that nobody sees, which join letters: they are no part of the folded word.
func wordEnd(text string, at int) int {
	end := at
	for at < len(text) {
		c := text[at]
		if c < utf8.RuneSelf {
			if !isLetter(rune(c)) {
				return end
			}
			at++
			end = at
			continue
		}
		r, n := utf8.DecodeRuneInString(text[at:])
		switch {
		case isJoined(r):
			return end
		case isLetter(r):
			end = at + n
		case r == utf8.RuneError || !unicode.Is(unicode.Cf, r):
			return end
		}
		at += n
	}
	return end
}

// isJoined tells whether a letter is of a script that does not part words.
func isJoined(r rune) bool {
	return r >= 0xE00 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer,
		unicode.Myanmar, unicode.Bopomofo) || r == 'ー' || r == 'ｰ')
}

// joinedRun yields every two letters that stand together, each with its marks, and the last one alone. A run goes on behind a line break.
func joinedRun(text string, at int, yield func(word) bool) (end int, ok bool) {
	before := word{joined: true, end: -1}
	for at < len(text) {
		r, n := utf8.DecodeRuneInString(text[at:])
		if r == '\n' && before.end == at {
			at++
			r, n = utf8.DecodeRuneInString(text[at:])
		}
		if !isJoined(r) {
			break
		}
		next := at + n
		for next < len(text) {
			m, n := utf8.DecodeRuneInString(text[next:])
			if !unicode.Is(unicode.Mn, m) {
				break
			}
			next += n
		}
		letter := word{term: fold(text[at:next]), start: at, end: next, joined: true}
		if before.end >= 0 && !yield(word{term: before.term + letter.term, start: before.start, end: letter.end, joined: true}) {
			return next, false
		}
		before, at = letter, next
	}
	return at, before.end < 0 || yield(before)
}
