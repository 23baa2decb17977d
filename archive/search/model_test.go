package search

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/store"
)

// note is a post as the model knows it.
type note struct {
	list           store.List
	number         uint64
	author, day    string
	subject, text  []string
	quoted         []string
	removed, files bool
}

// modelWords have no stems, accents or signs.
var modelWords = []string{"w1", "w2", "w3", "w4", "w5", "w6", "肝", "肝炎", "炎肝"}

func someWords(r *rand.Rand, most int) (ws []string) {
	for range 1 + r.IntN(most) {
		ws = append(ws, modelWords[r.IntN(len(modelWords))])
	}
	return ws
}

func (n note) mail(id int) string {
	head := fmt.Sprintf("From: %s@example.org\nSubject: %s\nMessage-ID: <%d@x.example>\nDate: %s\nMIME-Version: 1.0\n", n.author, strings.Join(n.subject, " "), id, must(time.Parse(time.DateOnly, n.day)).Format(time.RFC1123Z))
	body := "Content-Type: text/plain; charset=utf-8\n\n" + strings.Join(n.text, " ") + "\n\n> " + strings.Join(n.quoted, " ") + "\n"
	if n.files {
		return head + "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + body + "--b\nContent-Type: image/png\nContent-Disposition: attachment; filename=x.png\n\nx\n--b--\n"
	}
	return head + body
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// holds looks for words that stand together; with open the last may go on. A run of letters of a script that does not part words may be a
// part of a longer one.
func holds(text []string, wanted []string, open bool) bool {
	needle := strings.Join(wanted, " ")
	if wanted[0][0] == 'w' {
		needle = " " + needle
	}
	if wanted[len(wanted)-1][0] == 'w' && !open {
		needle += " "
	}
	return strings.Contains(" "+strings.Join(text, " ")+" ", needle)
}

func (n note) has(t Term) bool {
	ws := strings.Fields(t.Text)
	switch t.Field {
	case Subject:
		return holds(n.subject, ws, false)
	case From:
		return strings.HasPrefix(n.author, t.Text)
	case Has:
		return n.files
	case InList:
		return n.list.Name == t.Text
	}
	return holds(n.subject, ws, false) || holds(n.text, ws, false) || holds(n.quoted, ws, false)
}

func (n note) fits(q Query) bool {
	day := must(time.Parse(time.DateOnly, n.day))
	if n.removed || day.Before(q.Since) || !q.Before.IsZero() && !day.Before(q.Before) {
		return false
	}
	return !slices.ContainsFunc(q.Excluded, n.has) && !slices.ContainsFunc(q.Groups, func(g []Term) bool { return !slices.ContainsFunc(g, n.has) })
}

func someQuery(r *rand.Rand) string {
	term := func() string {
		switch r.IntN(10) {
		case 0:
			return "subject:" + someWords(r, 1)[0]
		case 1:
			return "from:" + []string{"asha", "ash", "ravi", "x"}[r.IntN(4)]
		case 2:
			return "has:attachment"
		case 3:
			return "list:" + []string{"one", "two", "three"}[r.IntN(3)]
		case 4, 5:
			return `"` + strings.Join(someWords(r, 3), " ") + `"`
		}
		return someWords(r, 1)[0]
	}
	var items []string
	for range 1 + r.IntN(3) {
		switch r.IntN(6) {
		case 0:
			items = append(items, "-"+term())
		case 1:
			items = append(items, term()+" OR "+term())
		case 2:
			items = append(items, []string{"after:", "before:"}[r.IntN(2)]+fmt.Sprintf("2026-0%d", 1+r.IntN(6)))
		default:
			items = append(items, term())
		}
	}
	return strings.Join(items, " ")
}

// What the index finds is what a reader of every post would find, also after removals, closing and opening.
func TestIndexFindsWhatAScanFinds(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(1, 2))
	lists := []store.List{w.list("one"), w.list("two"), w.list("three")}
	var notes []*note
	for round := range 6 {
		for range 60 {
			n := &note{list: lists[r.IntN(3)], author: []string{"asha", "ravi"}[r.IntN(2)], day: fmt.Sprintf("2026-0%d-15", 1+r.IntN(6)),
				subject: someWords(r, 3), text: someWords(r, 8), quoted: someWords(r, 5), files: r.IntN(3) == 0}
			n.number = w.post(n.list, n.mail(len(notes))).Number
			notes = append(notes, n)
		}
		for range 4 {
			n := notes[r.IntN(len(notes))]
			if err := w.store.RemovePost(n.list.ID, n.number); err != nil {
				t.Fatal(err)
			}
			n.removed = true
		}
		if round%2 == 1 {
			w.close()
			w.open()
		}
		w.catchUp()
		for range 150 {
			compare(w, r, notes, lists)
		}
	}
}

func compare(w *world, r *rand.Rand, notes []*note, lists []store.List) {
	w.Helper()
	text := someQuery(r)
	q, err := Parse(text)
	if err != nil {
		w.Fatal(text, err)
	}
	readable := lists[:1+r.IntN(3)]
	var want, got []string
	for _, n := range notes {
		if n.fits(q) && slices.ContainsFunc(readable, func(l store.List) bool { return l.ID == n.list.ID }) {
			want = append(want, documentID(n.list.ID, n.number))
		}
	}
	res, err := w.index.Search(w.Context(), Request{Query: q, Lists: readable, Limit: 1000})
	if err != nil {
		w.Fatal(text, err)
	}
	for _, h := range res.Hits {
		got = append(got, documentID(h.List.ID, h.Post.Number))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) || res.Total != len(want) {
		w.Errorf("%s finds %v, a scan %v", text, got, want)
	}
	wanted := someWords(r, 3)
	ns, ok, err := w.index.Containing(w.Context(), lists[0], strings.Join(wanted, " "), false)
	if err != nil || !ok {
		w.Fatal(wanted, ok, err)
	}
	for _, n := range notes {
		if n.list.ID == lists[0].ID && ns.Has(n.number) != (!n.removed && (holds(n.text, wanted, true) || holds(n.quoted, wanted, true))) {
			w.Errorf("%v in %v %v: %v", wanted, n.text, n.quoted, ns.Has(n.number))
		}
	}
}
