package notice

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Languages of the communities that we know of.
var wanted = []string{"bn", "en", "es", "fr", "hi", "ne", "si", "ta", "ur"}

func TestLanguages(t *testing.T) {
	if got := Languages(); !slices.Equal(got, wanted) {
		t.Errorf("texts in %v, want %v", got, wanted)
	}
}

// commandWord is one that is the same in each language: two capitals or more.
var commandWord = regexp.MustCompile(`\b[A-Z]{2}[A-Z-]*\b`)

func marks(re *regexp.Regexp, text string) []string {
	found := re.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// lacks are the faults of a text against the English one.
func lacks(name, english, text string) []string {
	var faults []string
	if a, b := marks(placeholder, english), marks(placeholder, text); !slices.Equal(a, b) {
		faults = append(faults, "placeholders are "+strings.Join(b, " ")+", in English "+strings.Join(a, " "))
	}
	if a, b := marks(commandWord, english), marks(commandWord, text); !slices.Equal(a, b) {
		faults = append(faults, "words in capitals are "+strings.Join(b, " ")+", in English "+strings.Join(a, " "))
	}
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\t\r\uFFFD\uFEFF") {
		faults = append(faults, "characters that no text has")
	}
	if strings.HasPrefix(name, prefix) {
		if err := wellFormed(text); err != nil {
			faults = append(faults, err.Error())
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "[") || strings.HasPrefix(line, "#") || line != strings.TrimSpace(line) {
			faults = append(faults, "a line that is lost or cut: "+line)
		}
	}
	return faults
}

func TestEveryLanguageHasEveryText(t *testing.T) {
	english := catalog()["en"]
	for lang, texts := range catalog() {
		for name := range texts {
			if _, ok := english[name]; !ok {
				t.Errorf("%s: [%s] is not in English", lang, name)
			}
		}
		for name, text := range english {
			if texts[name] == "" {
				t.Errorf("%s: [%s] is missing", lang, name)
				continue
			}
			for _, fault := range lacks(name, text, texts[name]) {
				t.Errorf("%s: [%s] %s", lang, name, fault)
			}
		}
		for english, words := range map[string][]string{"help": {"{commands}"}, "help.set": {"link", "keep"}, "ban-bad": {"*@example.org"}, "help.unsubscribe": {"*"}} {
			for _, w := range words {
				if !strings.Contains(texts[english], w) {
					t.Errorf("%s: [%s] lacks %s", lang, english, w)
				}
			}
		}
	}
}

// A name that stands twice would make one text of two.
func TestEveryTextStandsOnce(t *testing.T) {
	for _, lang := range Languages() {
		b, err := files.ReadFile("text/" + lang + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "[") && heading.FindString(line) == "" {
				t.Errorf("%s: %s is no name of a text", lang, line)
			}
			if m := heading.FindStringSubmatch(line); m != nil {
				if seen[m[1]] {
					t.Errorf("%s: [%s] stands twice", lang, m[1])
				}
				seen[m[1]] = true
			}
		}
	}
}

func TestFaultsOfATextAreFound(t *testing.T) {
	english := "Held: {subject}\n\nAnswer with APPROVE to {owner}"
	for text, want := range map[string]string{
		"Held: {subject}\n\nAnswer with APPROVE to {owner}":         "",
		"Held: {subject}\n\nAnswer with APPROVE":                    "placeholders",
		"Held: {subject}\n\nAnswer with APPROVE to {owner} {title}": "placeholders",
		"Held: {subject}\n\nAnswer with approve to {owner}":         "capitals",
		"Held: {subject}\n\nAnswer with APPROVE to {owner} OK":      "capitals",
		"Held: {subject}\nAnswer with APPROVE to {owner}":           "subject",
		"Held: {subject} APPROVE {owner}":                           "subject",
		"Held: {subject}\n\n[x]\nAnswer with APPROVE to {owner}":    "lost",
	} {
		faults := strings.Join(lacks("mail.held", english, text), "; ")
		if want == "" && faults != "" || !strings.Contains(faults, want) {
			t.Errorf("%q: faults %q, want %q", text, faults, want)
		}
	}
}

// Each text is asked for somewhere in the program, by its name or by what its name is made of.
func TestEveryTextIsUsed(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"../*.go", "../*/*.go", "../../cmd/sangam/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(catalog()["en"])) {
		short := name
		for _, made := range []string{prefix, "help.", "reason.", "role."} {
			if name != "help.site" {
				short = strings.TrimPrefix(short, made)
			}
		}
		if !strings.Contains(source.String(), `"`+short+`"`) && !strings.Contains(source.String(), `"`+short+` `) { // reasons have a limit behind a space
			t.Errorf("[%s] is used nowhere", name)
		}
	}
}

func TestLanguageOfAWish(t *testing.T) {
	for _, c := range []struct {
		wishes []string
		want   string
	}{
		{[]string{"hi"}, "hi"}, {[]string{"hi-IN"}, "hi"}, {[]string{"HI-in"}, "hi"}, {[]string{"bn-BD"}, "bn"}, {[]string{"ur-PK"}, "ur"},
		{[]string{"ta-LK"}, "ta"}, {[]string{"ne-NP"}, "ne"}, {[]string{"si-LK"}, "si"}, {[]string{"fr-CA"}, "fr"}, {[]string{"es-419"}, "es"}, {[]string{"en-GB"}, "en"},
		{[]string{"zh-TW", "hi"}, "hi"}, {[]string{"zh-TW"}, "en"}, {[]string{"", "ta"}, "ta"}, {[]string{"", ""}, "en"}, {nil, "en"},
		{[]string{"de", "fr"}, "fr"}, {[]string{"pt-BR", "ne"}, "ne"}, {[]string{"mr", "bn"}, "bn"}, {[]string{"und", "si"}, "si"},
		{[]string{"no language", "es"}, "es"}, {[]string{"hi-Latn", "ur"}, "ur"}, {[]string{"x-private", "fr"}, "fr"},
	} {
		if got := Language(c.wishes...); got != c.want {
			t.Errorf("%v: %s, want %s", c.wishes, got, c.want)
		}
	}
}

func TestFill(t *testing.T) {
	for _, c := range []struct {
		text, want string
		v          Values
	}{
		{"Dear {name},\n\n{text}\n\nBye {name}", "Dear Asha,\n\nBye Asha", Values{"name": "Asha"}},
		{"{a}\n{b}\nend", "1\n2\nend", Values{"a": "1", "b": "2"}},
		{"{a}", "{b}", Values{"a": "{b}", "b": "never"}},
		{"{a} {unknown}.", "1 .", Values{"a": "1"}},
	} {
		if got := fill(c.text, c.v); got != c.want {
			t.Errorf("%q makes %q, want %q", c.text, got, c.want)
		}
	}
}
