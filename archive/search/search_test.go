package search

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// world is a store with an index beside it.
type world struct {
	testing.TB
	store  *store.Store
	index  *Index
	folder string
	log    slog.Handler
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, store: storetest.NewStore(t), folder: filepath.Join(t.TempDir(), "search"), log: slog.NewTextHandler(complaints{t}, &slog.HandlerOptions{Level: slog.LevelWarn})}
	w.open()
	t.Cleanup(w.close)
	return w
}

// complaints fails the test that causes a warning.
type complaints struct{ testing.TB }

func (c complaints) Write(b []byte) (int, error) {
	c.Errorf("%s", b)
	return len(b), nil
}

func (w *world) open() {
	w.index = New(Options{Store: w.store, Folder: w.folder, DefaultDomain: "lists.example.org", Now: func() time.Time { return now }, Log: slog.New(w.log)})
}

func (w *world) close() {
	if err := w.index.Close(); err != nil {
		w.Error(err)
	}
}

func (w *world) list(name string) store.List {
	w.Helper()
	l, err := w.store.CreateList(store.List{Name: name, Domain: "lists.example.org", Settings: store.DefaultSettings(), Created: now})
	if err != nil {
		w.Fatal(err)
	}
	return l
}

// post accepts a message with LF lines.
func (w *world) post(l store.List, text string) store.Post {
	w.Helper()
	p, err := w.store.Accept(context.Background(), acceptance(l, text))
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func acceptance(l store.List, text string) store.Acceptance {
	raw := archive.CRLF([]byte(text))
	d := archive.Describe(raw, now)
	return store.Acceptance{List: l.ID, MessageID: d.Post.MessageID, Content: d.Post.Content, References: d.References,
		Build: func(uint64) ([]byte, store.Post, error) { return raw, d.Post, nil }}
}

// mail is a message of one part.
func mail(id, subject, text string) string {
	return fmt.Sprintf("From: Asha Rao <asha@example.org>\nTo: heplink@lists.example.org\nSubject: %s\nMessage-ID: <%s@example.org>\n"+
		"Date: Mon, 23 Nov 2026 10:00:00 +0530\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n%s\n", subject, id, text)
}

func (w *world) catchUp() {
	w.Helper()
	if err := w.index.CatchUp(w.Context(), nil); err != nil {
		w.Fatal(err)
	}
}

func (w *world) search(text string, lists ...store.List) Result {
	w.Helper()
	q, err := Parse(text)
	if err != nil {
		w.Fatalf("%s: %v", text, err)
	}
	res, err := w.index.Search(w.Context(), Request{Query: q, Lists: lists, Limit: 20})
	if err != nil {
		w.Fatalf("%s: %v", text, err)
	}
	return res
}

// found are the numbers of the posts that a query finds, best first.
func (w *world) found(text string, lists ...store.List) string {
	w.Helper()
	var all []string
	for _, h := range w.search(text, lists...).Hits {
		all = append(all, fmt.Sprint(h.Post.Number))
	}
	return strings.Join(all, " ")
}

func (w *world) expect(l store.List, cases map[string]string) {
	w.Helper()
	for query, want := range cases {
		if got := w.found(query, l); got != want {
			w.Errorf("%s finds %q, not %q", query, got, want)
		}
	}
}

func TestWordsOfEveryScriptAreFound(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	for i, text := range []string{
		1:  "The clinics in Pune are running vaccination camps for newborn children.",
		2:  "Le dépistage à l'hôpital était gratuit; les médecins étaient présents.",
		3:  "अस्पताल में मरीज़ों की जाँच हिन्दी में समझाई गई और दवाइयाँ दी गईं।",
		4:  "হাসপাতালে রোগীদের চিকিৎসা করা হয়েছে এবং টিকাগুলো এসেছে, ২০২৬ সালে।",
		5:  "மருத்துவமனைகளில் தடுப்பூசிகள் கிடைக்கும் என்று மருத்துவர்கள் கூறினர்.",
		6:  "ہسپتالوں میں مریضوں کا علاج مفت ہے اور دوائیں بھی ملتی ہیں۔",
		7:  "تحدث الأطباء في المستشفيات عن التهابات الكبد والعلاج المجاني.",
		8:  "රෝහලේ රෝගීන්ට ප්\u200dරතිකාර නොමිලේ ලබා දෙන අතර එන්නත් තිබේ.",
		9:  "अस्पतालहरूमा बिरामीलाई खोप निःशुल्क दिइएको छ र औषधि पनि छन्।",
		10: "北京的医院开展乙型肝炎疫苗接种。",
		11: "東京の病院で肝炎ワクチンの接種が始まりました。",
		12: "В больницах проводят бесплатные прививки, ещё есть лекарства.",
		13: "โรงพยาบาลให้วัคซีนตับอักเสบฟรี",
		14: "Die Krankenhäuser und die Ärzte haben den Impfstoff für die Straße.",
	} {
		if text != "" {
			w.post(l, mail(fmt.Sprint(i), "Notes", text))
		}
	}
	w.catchUp()
	w.expect(l, map[string]string{
		"vaccinations": "1", "run": "1", "CLINIC": "1", "newborns": "1", "ｐｕｎｅ": "1", "child": "",
		"depistage": "2", "DÉPISTAGES": "2", "hopital": "2", "médecin": "2", "gratuits": "2",
		"हिंदी": "3", "मरीजों": "3", "जांच": "3", "दवाई": "3", "अस्पतालों": "3",
		"রোগী": "4", "টিকা": "4", "2026": "4", "হাসপাতাল": "4", "চিকিৎসার": "4",
		"மருத்துவர்": "5", "தடுப்பூசி": "5",
		"مریض": "6", "علاج": "6 7", "ہسپتال": "6", "دوا": "6",
		"الطبيب": "", "مستشفى": "7", "الكبد": "7", "كبد": "7", "المستشفيات": "7", "مجاني": "7",
		"රෝහල": "8", "රෝගී": "8", "ප්රතිකාර": "8",
		"अस्पताल": "3 9", "बिरामी": "9", "औषधि": "9",
		"肝炎": "10 11", "疫苗": "10", "苗": "10", "疫": "10", "医院": "10", "乙型肝炎疫苗": "10", "炎疫": "10", "肝苗": "",
		"病院": "11", "ワクチン": "11", "チン": "11",
		"больница": "12", "прививка": "12", "еще": "12", "ЛЕКАРСТВО": "12",
		"วัคซีน": "13", "โรงพยาบาล": "13",
		"krankenhaus": "14", "krankenhauser": "14", "arzte": "14", "strasse": "14", "impfstoffe": "14",
	})
}

func TestQueryNarrows(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	post := func(from, to, date, subject, id, text string) {
		t.Helper()
		w.post(l, fmt.Sprintf("From: %s\nTo: %s\nDate: %s\nSubject: %s\nMessage-ID: <%s@x.example>\n\n%s\n", from, to, date, subject, id, text))
	}
	post("Asha Rao <asha@example.org>", "heplink@lists.example.org", "1 Jan 2026 10:00:00 +0000", "Vaccine stock", "1", "There is no stock of the hepatitis B vaccine.")
	post("Ravi Kumar <ravi@health.example.net>", "heplink@lists.example.org, Asha <asha@example.org>", "1 Feb 2026 10:00:00 +0000", "Re: Vaccine stock", "2", "We have some.\n\n> There is no stock of the hepatitis B vaccine.")
	post("Mina <mina@example.org>", "heplink@lists.example.org", "1 Mar 2026 10:00:00 +0000", "Jaundice", "3", "Jaundice and hepatitis A: what can be done? B for the rest.")
	w.post(l, "From: mina@example.org\nDate: 1 Apr 2026 10:00:00 +0000\nSubject: Report\nMessage-ID: <4@x.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"+
		"--b\n\nSee attached.\n--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=\"District-report_2026.txt\"\n\nSeroprevalence table\n--b--\n")
	w.catchUp()
	w.expect(l, map[string]string{
		"hepatitis": "3 1 2", `"hepatitis b"`: "1 2", `"hepatitis B vaccine"`: "1 2", `"vaccine hepatitis"`: "",
		"from:asha": "1", "from:ash": "1", "from:asha@example.org": "1", "from:rao": "1", "from:example.org": "4 3 1", `from:"ravi kumar"`: "2", "-from:mina stock": "1 2",
		"to:asha": "2", "to:heplink": "3 2 1", "subject:stock": "1 2", "subject:vaccines": "2 1", `subject:"re vaccine"`: "2",
		"after:2026-02-01": "4 3 2", "before:2026-02-01": "1", "after:2026-02 before:2026-03": "2", "since:2026/3/1": "4 3", "after:2026 stock before:2026-02": "1",
		"has:attachment": "4", "filename:district": "4", "filename:report": "4", "seroprevalence": "4", "report": "4", "-has:attachment": "3 2 1",
		"jaundice OR stock": "3 1 2", "stock OR jaundice -hepatitis": "", "hepatitis -jaundice": "1 2", "hepatitis NOT jaundice": "1 2", "hepatitis AND jaundice": "3",
		"from:asha OR from:ravi": "2 1", "hepatitis -\"no stock\"": "3", "list:heplink jaundice": "3", "list:nosuch jaundice": "", "-list:heplink": "",
		"list:heplink@lists.example.org jaundice": "3", "nothing": "", "re:": "2", "12:30": "",
	})
	if h := w.search("stock", l).Hits[1]; h.Excerpt.String() != "We have some." && !strings.Contains(h.Excerpt.String(), "no stock") {
		t.Errorf("excerpt of a reply: %q", h.Excerpt)
	}
}

func TestExcerpts(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	w.post(l, mail("1", "Doses", strings.Repeat("Words before it. ", 30)+"The birth doses of the vaccine came on Monday. "+strings.Repeat("Words behind it. ", 30)+"\n\n> vaccine quoted\n"))
	w.post(l, mail("2", "Quote", "I agree.\n\nOn Monday, Asha wrote:\n> Nothing but immunoglobulin was there.\n"))
	w.post(l, mail("3", "Han", "北京的医院开展乙型肝炎疫苗接种。"))
	w.post(l, mail("5", "Lines", "最近，我们在学习乙型肝\n病的知识。"))
	w.post(l, mail("4", "Address", "Write to mina@example.org about immunity."))
	w.catchUp()
	marked := func(query string, hide func(store.List) bool) string {
		t.Helper()
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		res, err := w.index.Search(t.Context(), Request{Query: q, Lists: []store.List{l}, Limit: 1, Hide: hide})
		if err != nil || len(res.Hits) != 1 {
			t.Fatal(query, len(res.Hits), err)
		}
		var b strings.Builder
		for _, p := range res.Hits[0].Excerpt {
			if p.Found {
				b.WriteString("[" + p.Text + "]")
			} else {
				b.WriteString(p.Text)
			}
		}
		return b.String()
	}
	if got := marked("vaccine dose", nil); !strings.HasPrefix(got, "… ") || !strings.Contains(got, "birth [doses] of the [vaccine] came") || !strings.HasSuffix(got, " …") || len(got) > excerptSize+20 {
		t.Error(got)
	}
	if got := marked("immunoglobulin", nil); got != "On Monday, Asha wrote: Nothing but [immunoglobulin] was there." {
		t.Error(got)
	}
	if got := marked("肝炎疫苗", nil); got != "北京的医院开展乙型[肝炎疫苗]接种。" {
		t.Error(got)
	}
	if got := w.found("肝病", l); got != "4" {
		t.Error(got)
	}
	if got := marked("immunity", func(store.List) bool { return true }); got != "Write to mina@… about [immunity]." {
		t.Error(got)
	}
	if got := marked("from:asha subject:quote", nil); got != "I agree." {
		t.Error(got)
	}
}

func TestRankPutsSubjectsOwnWordsAndNewPostsFirst(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	old := func(s string) string { return strings.Replace(s, "2026", "2006", 1) }
	w.post(l, mail("1", "Re: Notes", "Yes.\n\n> the cold chain broke"))
	w.post(l, old(mail("2", "Notes", "We know that the cold chain broke")))
	w.post(l, mail("3", "Notes", "We know that the cold chain broke"))
	w.post(l, mail("4", "The cold chain broke", "See the subject."))
	w.catchUp()
	w.expect(l, map[string]string{"cold chain": "4 3 2 1", "chains": "4 3 2", `"cold chain"`: "4 3 2 1"})
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	for i := range 25 {
		w.post(l, mail(fmt.Sprint(i), "Word", "word"))
	}
	w.catchUp()
	q, _ := Parse("word")
	var all []uint64
	for offset := 0; offset < 30; offset += 10 {
		res, err := w.index.Search(t.Context(), Request{Query: q, Lists: []store.List{l}, Offset: offset, Limit: 10})
		if err != nil || res.Total != 25 {
			t.Fatal(res.Total, err)
		}
		for _, h := range res.Hits {
			all = append(all, h.Post.Number)
		}
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != 25 {
		t.Errorf("pages hold %v", all)
	}
}
