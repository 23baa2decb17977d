package search

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"
)

var snowball = map[string]func(*snowballstem.Env) bool{
	"en": english.Stem, "fr": french.Stem, "es": spanish.Stem, "pt": portuguese.Stem, "de": german.Stem, "it": italian.Stem, "nl": dutch.Stem,
	"sv": swedish.Stem, "tr": turkish.Stem, "ru": russian.Stem, "ta": tamil.Stem,
}

// endings of cases, numbers and verbs in languages that have no stemmer of their own: the longest that leaves a word of two letters goes,
// and again as long as there is one.
var endings = map[string][]string{
	"hi": folded("ों ें ाओं ाएं ुओं ुएं ियों ियां इयां इयों ाई ई ी ा े ो ि ु ू ना ने नी ता ते ती कर ाकर एगा एगी एंगे"),
	"ne": folded("हरू हरु ले लाई को का की मा बाट देखि सँग सम्म भित्र द्वारा लागि"),
	"bn": folded("গুলো গুলি গুলোর গুলির গুলোকে গুলিকে গুলোতে দের দেরকে েরা রা কে তে ের টি টা টির টার টিকে টাকে টিতে খানা য় ে র"),
	"ur": folded("وں یں یاں ئیں ؤں ات ے ی ا و"),
	"ar": folded("ها ان ات ون ين يه ه ي"),
	"si": folded("යේ යට යෙන් යක් යෙක් වල වලට වලින් න්ගේ න්ට ගේ ට න් ක් ින් ෙන් ේ ා ු ි ය ව ෝ"),
}

// beginnings of words that are words of their own: articles, and what joins them. One goes, the longest.
var beginnings = map[string][]string{"ar": folded("ال وال بال كال فال لل و")}

// folded beginnings or endings, the longest first.
func folded(list string) []string {
	all := strings.Fields(list)
	for i, e := range all {
		all[i] = fold(e)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// Letters that a word and a stem have at least.
const (
	minStemmed = 3
	minStem    = 2
)

// stem of a folded word in a language; empty when it has none.
func stem(language, term string) string {
	if language == "" || utf8.RuneCountInString(term) < minStemmed || '0' <= term[0] && term[0] <= '9' {
		return ""
	}
	if run := snowball[language]; run != nil {
		env := snowballstem.NewEnv(term)
		run(env)
		return env.Current()
	}
	for _, b := range beginnings[language] {
		if rest, ok := strings.CutPrefix(term, b); ok && utf8.RuneCountInString(rest) >= minStemmed {
			term = rest
			break
		}
	}
	return shorn(term, endings[language])
}

func shorn(term string, endings []string) string {
again:
	for _, e := range endings {
		if rest, ok := strings.CutSuffix(term, e); ok && utf8.RuneCountInString(rest) >= minStem {
			term = rest
			goto again
		}
	}
	return term
}

// stemTerm is how a stem is indexed: behind its language, so that no word of another language is found by it.
func stemTerm(language, stem string) string { return language + stem }
