package notice

import (
	"embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

//go:embed text/*.txt
var files embed.FS

// Values fill the placeholders of a text.
type Values map[string]string

// catalog has the texts of every language, read once.
var catalog = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	entries, err := files.ReadDir("text")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		b, err := files.ReadFile(path.Join("text", e.Name()))
		if err != nil {
			panic(err)
		}
		all[strings.TrimSuffix(e.Name(), ".txt")] = parse(string(b))
	}
	return all
})

var heading = regexp.MustCompile(`^\[([a-z.-]+)\]$`)

// parse reads a file of texts: each begins with its name in brackets.
func parse(file string) map[string]string {
	texts, name := map[string]string{}, ""
	for line := range strings.Lines(file) {
		line = strings.TrimRight(line, "\r\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			name = m[1]
		} else if name != "" {
			texts[name] += line + "\n"
		}
	}
	for name, text := range texts {
		texts[name] = strings.TrimSpace(text)
	}
	return texts
}

// Languages in which every text exists, as BCP 47 tags.
func Languages() []string {
	var tags []string
	for tag := range catalog() {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return tags
}

var matcher = sync.OnceValue(func() func(string) string {
	names := append([]string{"en"}, Languages()...) // the first is the fallback
	var tags []language.Tag
	for _, n := range names {
		tags = append(tags, language.MustParse(n))
	}
	m := language.NewMatcher(tags)
	return func(wish string) string {
		tag := language.Make(wish)
		_, i, confidence := m.Match(tag)
		if wanted, _ := tag.Base(); confidence < language.High || wanted.String() != names[i] { // not one that its speakers may know too
			return ""
		}
		return names[i]
	}
})

// Language is the first of the wishes (BCP 47, empty ones are passed over) for which there are texts, else English.
func Language(wishes ...string) string {
	for _, w := range wishes {
		if w == "" {
			continue
		}
		if tag := matcher()(w); tag != "" {
			return tag
		}
	}
	return "en"
}

// Say fills in one text of a language that Language returned.
func Say(lang, name string, v Values) string {
	text, ok := catalog()[lang][name]
	if !ok {
		text = catalog()["en"][name]
	}
	return fill(text, v)
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// fill puts the values in place of {name}. A line that becomes empty by that goes, and so do empty lines that follow each other.
func fill(text string, v Values) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		filled := placeholder.ReplaceAllStringFunc(line, func(p string) string { return v[p[1:len(p)-1]] })
		blank := strings.TrimSpace(filled) == ""
		if blank && strings.TrimSpace(line) != "" {
			continue
		}
		if blank && len(out) > 0 && out[len(out)-1] == "" {
			continue
		}
		out = append(out, strings.TrimRight(filled, " "))
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

// prefix of the texts that are whole mails: a subject, an empty line and a body.
const prefix = "mail."

// ofTheSite are mails that are about an address and no list, so that no list can replace them.
var ofTheSite = []string{"change", "export"}

// Names of the mails that a list may have in words of its own.
func Names() []string {
	var names []string
	for name := range catalog()["en"] {
		if own, ok := strings.CutPrefix(name, prefix); ok && !slices.Contains(ofTheSite, own) {
			names = append(names, own)
		}
	}
	slices.Sort(names)
	return names
}

// Standard is the program's text of a mail, with its placeholders.
func Standard(lang, name string) string { return catalog()[lang][prefix+name] }

// Check reads a list's own text of a mail: a subject, an empty line, a body, and no placeholder that would stay empty.
func Check(name, text string) error {
	standard := catalog()["en"][prefix+name]
	if !slices.Contains(Names(), name) {
		return fmt.Errorf("there is no text %q: use one of %s", name, strings.Join(Names(), ", "))
	}
	if err := wellFormed(text); err != nil {
		return err
	}
	known := placeholder.FindAllString(standard, -1)
	for _, p := range general {
		known = append(known, "{"+p+"}")
	}
	for _, p := range placeholder.FindAllString(text, -1) {
		if !slices.Contains(known, p) {
			slices.Sort(known)
			return fmt.Errorf("%s is not filled in here: use %s", p, strings.Join(slices.Compact(known), " "))
		}
	}
	return nil
}

// wellFormed tells whether a text of a mail has its three parts.
func wellFormed(text string) error {
	subject, body, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if strings.TrimSpace(subject) == "" || !strings.HasPrefix(body, "\n") || strings.TrimSpace(body) == "" {
		return fmt.Errorf("the text must begin with a subject, an empty line behind it, then the text of the mail")
	}
	return nil
}
