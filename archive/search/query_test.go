package search

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wesouthasians.org/sangam/store"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Query{
		"hepatitis":                         {Groups: [][]Term{{{Text: "hepatitis"}}}},
		`  a  "b c" `:                       {Groups: [][]Term{{{Text: "a"}}, {{Text: "b c", Phrase: true}}}},
		"“birth dose”":                      {Groups: [][]Term{{{Text: "birth dose", Phrase: true}}}},
		`"no end`:                           {Groups: [][]Term{{{Text: "no end", Phrase: true}}}},
		`FROM:asha Subject:"x y"`:           {Groups: [][]Term{{{From, "asha", false}}, {{Subject, "x y", true}}}},
		"a OR b c":                          {Groups: [][]Term{{{Text: "a"}, {Text: "b"}}, {{Text: "c"}}}},
		"a OR b OR c":                       {Groups: [][]Term{{{Text: "a"}, {Text: "b"}, {Text: "c"}}}},
		"a AND b or":                        {Groups: [][]Term{{{Text: "a"}}, {{Text: "b"}}, {{Text: "or"}}}},
		`-a NOT b -from:c -"d e"`:           {Excluded: []Term{{Text: "a"}, {Text: "b"}, {From, "c", false}, {Text: "d e", Phrase: true}}},
		"x after:2026-01-01 before:2026-02": {Groups: [][]Term{{{Text: "x"}}}, Since: day("2026-01-01"), Before: day("2026-02-01")},
		"after:2025 since:2026":             {Since: day("2026-01-01")},
		"re: http://x.example 12:30":        {Groups: [][]Term{{{Text: "re:"}}, {{Text: "http://x.example"}}, {{Text: "12:30"}}}},
		"a & b -":                           {Groups: [][]Term{{{Text: "a"}}, {{Text: "b"}}}},
		"has:attachment list:heplink":       {Groups: [][]Term{{{Has, "attachment", false}}, {{InList, "heplink", false}}}},
		"e-mail":                            {Groups: [][]Term{{{Text: "e-mail"}}}},
		`foo"bar baz"`:                      {Groups: [][]Term{{{Text: "foo"}}, {{Text: "bar baz", Phrase: true}}}},
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestMistakesAreToldWithAnExample(t *testing.T) {
	for text, want := range map[string]string{
		"":                 `"" cannot be searched for: write it like hepatitis from:asha`,
		"?!":               `"?!" cannot be searched for: write it like hepatitis from:asha`,
		"after:soon":       `"after:soon" cannot be searched for: write it like after:2026-01-31`,
		"before:":          `"before:" cannot be searched for: write it like before:2026-01-31`,
		"x before:2026-13": `"before:2026-13" cannot be searched for: write it like before:2026-01-31`,
		"from: asha":       `"from:" cannot be searched for: write it like from:asha`,
		"has:money":        `"has:money" cannot be searched for: write it like has:attachment`,
		"OR a":             `"OR" cannot be searched for: write it like hepatitis OR jaundice`,
		"a OR":             `"OR" cannot be searched for: write it like hepatitis OR jaundice`,
		"a OR OR b":        `"OR" cannot be searched for: write it like hepatitis OR jaundice`,
		"a OR -b":          `"OR -b" cannot be searched for: write it like hepatitis OR jaundice`,
		"-a OR b":          `"OR" cannot be searched for: write it like hepatitis OR jaundice`,
		"a OR after:2026":  `"after:2026" cannot be searched for: write it like after:2026-01-31`,
		"-after:2026":      `"after:2026" cannot be searched for: write it like after:2026-01-31`,
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{strings.Repeat("x ", 60), strings.Repeat("x", 3000)} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), "a few words") {
			t.Error(err)
		}
	}
}

// Whatever is typed is a query that can be run or a mistake in a sentence, and folding, stems and excerpts take any text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`words "a phrase" from:asha to: subject:test after:2026-01-01 before: has:attachment filename:x list:y -word OR z`, "肝炎 OR वायरस", "-\xff:\"",
		"الكبد ﷺ ½ İ ß", "من'n don’t e\u0301", "ๆ่"} {
		f.Add(s)
	}
	w := newWorld(f)
	l := w.list("heplink")
	w.post(l, mail("1", "Subject", "text"))
	w.catchUp()
	f.Fuzz(func(t *testing.T, s string) {
		end := 0
		for word := range words(s) {
			if word.term == "" || word.start < 0 || word.end <= word.start || word.end > len(s) || word.end < end || len(word.term) > 3*maxWord {
				t.Fatalf("%q: %+v", s, word)
			}
			end = word.end
			if again := fold(word.term); !word.joined && again != word.term {
				t.Errorf("%q folds to %q and then to %q", s, word.term, again)
			}
			stemsOf(word.term)
		}
		detect(s)
		q, err := Parse(s)
		if err != nil {
			if !strings.Contains(err.Error(), "write it like") {
				t.Error(err)
			}
			return
		}
		newMarker(q).excerpt(s, s)
		for _, hide := range []func(store.List) bool{nil, func(store.List) bool { return true }} {
			if _, err := w.index.Search(t.Context(), Request{Query: q, Lists: []store.List{l}, Limit: 3, Hide: hide}); err != nil {
				t.Error(err)
			}
		}
	})
}
