package search

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2/document"
	index "github.com/blevesearch/bleve_index_api"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// version of what is written into the index. An index of another one is made anew.
const version = "2"

// Fields of the index.
const (
	inSubject   = "s"
	inAuthor    = "a" // names and local parts of addresses
	inAuthors   = "e" // whole addresses
	inTo        = "o" // as inAuthor, of To and Cc
	inTos       = "p"
	inOwn       = "t" // text that the author wrote
	inQuoted    = "q" // other text that is shown
	inAttached  = "m" // texts that are attached
	inFilenames = "n"
	inHead      = "h" // other header fields that IMAP searches
	inStems     = "z" // of own text
	inStemsOf   = "y" // of the subject
	inList      = "l"
	inTime      = "d" // the Date, in minutes since 1970, and the number
	inHas       = "x"
)

// stemsIn are the fields for the stems of others.
var stemsIn = map[string]string{inSubject: inStemsOf, inOwn: inStems}

// unweighed fields say only which posts have a word.
var unweighed = map[string]bool{inQuoted: true, inHead: true, inTos: true, inTo: true}

// hasAttachment is the term of posts with attachments.
const hasAttachment = "a"

// maxText bounds what is indexed of a post, in bytes.
const maxText = 5 << 20

// documentID names a post in the index.
func documentID(list, number uint64) string { return fmt.Sprintf("%d/%d", list, number) }

func parseID(id string) (list, number uint64) { return pair(id) }

// pair reads two numbers with a slash between.
func pair[S string | []byte](s S) (a, b uint64) {
	of := &a
	for i := range len(s) {
		if s[i] == '/' {
			of = &b
			continue
		}
		*of = *of*10 + uint64(s[i]-'0')
	}
	return a, b
}

// described is a post as it goes into the index. The hint is the language of its list.
func described(p store.Post, raw []byte, hint string) *document.Document {
	body := archive.Read(raw)
	h := archive.ParseHeader(raw)
	own, rest := body.Divide()
	own, rest = own[:min(len(own), maxText)], rest[:min(len(rest), maxText)]
	doc := document.NewDocument(documentID(p.List, p.Number))
	from, to := h.Text("From"), recipients(h)
	texts := map[string]string{inSubject: p.Subject, inAuthor: public(from), inAuthors: from, inTo: public(to), inTos: to, inFilenames: filenames(body),
		inOwn: own, inQuoted: rest, inAttached: archive.AttachedText(raw, &body), inHead: headText(h)}
	tongue := detect(own, p.Language, hint)
	all := &field{name: inOrder, options: index.StoreField}
	for _, name := range inOrderOf {
		f := newField(name, texts[name], &all.value)
		if stems := stemsIn[name]; stems != "" {
			doc.AddField(f.stemmed(stems, tongue))
		}
		if f.length > 0 {
			doc.AddField(f)
		}
	}
	doc.AddField(all)
	doc.AddField(keyword(inList, strconv.FormatUint(p.List, 10), index.IndexField|index.SkipFreqNorm))
	doc.AddField(keyword(inTime, fmt.Sprintf("%d/%d", minuteOf(p.Date), p.Number), index.IndexField|index.SkipFreqNorm|index.DocValues))
	if p.Attachments > 0 {
		doc.AddField(keyword(inHas, hasAttachment, index.IndexField|index.SkipFreqNorm))
	}
	return doc
}

// minuteOf a time, from 1970 on.
func minuteOf(t time.Time) int64 { return max(0, t.Unix()/60) }

var addressDomain = regexp.MustCompile(`@[\pL\pN._-]+`)

// public leaves out of addresses what strangers do not see.
func public(people string) string { return addressDomain.ReplaceAllString(people, " ") }

func recipients(h archive.Header) string { return h.Text("To") + "\n" + h.Text("Cc") }

func headText(h archive.Header) string {
	var b strings.Builder
	for _, name := range []string{"Reply-To", "Message-ID", "Date", "List-Id"} {
		b.WriteString(h.Text(name) + "\n")
	}
	return b.String()
}

func filenames(b archive.Body) string {
	var names []string
	for _, a := range b.Attachments {
		names = append(names, a.Filename)
	}
	return strings.Join(names, "\n")
}

// field is a document.Field whose words are known before it is analysed.
type field struct {
	name    string
	options index.FieldIndexingOptions
	length  int // words
	size    int // bytes of text
	terms   index.TokenFrequencies
	value   order
}

// newField holds the words of a text and adds them to the order of all.
func newField(name, text string, all *order) *field {
	f := &field{name: name, options: index.IndexField, size: len(text), terms: index.TokenFrequencies{}}
	if unweighed[name] {
		f.options |= index.SkipFreqNorm
	}
	for w := range words(text) {
		f.length++
		f.count(w.term, 1)
		*all = all.add(w.term)
	}
	*all = all.end()
	return f
}

func (f *field) count(term string, n int) {
	t := f.terms[term]
	if t == nil {
		t = &index.TokenFreq{Term: []byte(term)}
		f.terms[term] = t
	}
	if f.options&index.SkipFreqNorm == 0 {
		t.SetFrequency(t.Frequency() + n)
	}
}

// stemmed holds the stems of the words of a field.
func (f *field) stemmed(name string, t tongue) *field {
	stems := &field{name: name, options: index.IndexField, terms: index.TokenFrequencies{}}
	for term, freq := range f.terms {
		language := t[scriptOf(term)]
		if s := stem(language, term); s != "" {
			stems.count(stemTerm(language, s), freq.Frequency())
			stems.length += freq.Frequency()
		}
	}
	return stems
}

func keyword(name, term string, options index.FieldIndexingOptions) *field {
	f := &field{name: name, options: options, length: 1, terms: index.TokenFrequencies{}}
	f.count(term, 1)
	return f
}

func (f *field) Name() string                                     { return f.name }
func (f *field) ArrayPositions() []uint64                         { return nil }
func (f *field) Options() index.FieldIndexingOptions              { return f.options }
func (f *field) Analyze()                                         {}
func (f *field) Value() []byte                                    { return f.value }
func (f *field) NumPlainTextBytes() uint64                        { return uint64(f.size) }
func (f *field) Size() int                                        { return f.size }
func (f *field) EncodedFieldType() byte                           { return 't' }
func (f *field) AnalyzedLength() int                              { return f.length }
func (f *field) AnalyzedTokenFrequencies() index.TokenFrequencies { return f.terms }
