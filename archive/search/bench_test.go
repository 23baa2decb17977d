package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"wesouthasians.org/sangam/store"
)

// vocabulary is drawn from as people draw from theirs: few words often, many seldom.
func vocabulary(r *rand.Rand) func() string {
	zipf := rand.NewZipf(r, 1.1, 8, 60_000)
	return func() string {
		n := zipf.Uint64()
		var b strings.Builder
		for b.Len() < 5 || n > 0 {
			b.WriteByte("eaoitnshrdlucmfwypvbgkjqxz"[n%26])
			n /= 26
		}
		return b.String()
	}
}

// fill adds posts of about 250 words, half of them quoted; every thousandth has the word zanzibar.
func (w *world) fill(l store.List, n int) {
	r := rand.New(rand.NewPCG(7, 7))
	word := vocabulary(r)
	text := func(n int, prefix string) string {
		var b strings.Builder
		for i := range n {
			if i%12 == 0 {
				b.WriteString("\n" + prefix)
			}
			b.WriteString(word() + " ")
		}
		return b.String()
	}
	var as []store.Acceptance
	for i := range n {
		body := text(r.IntN(250), "") + "\n" + text(r.IntN(250), "> ")
		if i%1000 == 500 {
			body += "\nzanzibar cold chain"
		}
		as = append(as, acceptance(l, mail(fmt.Sprint("m", i), text(4, ""), body)))
		if len(as) == 1000 || i == n-1 {
			if _, err := w.store.AcceptAll(context.Background(), as); err != nil {
				w.Fatal(err)
			}
			as = as[:0]
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	w := newWorld(b)
	l := w.list("heplink")
	const n = 5000
	w.fill(l, n)
	for b.Loop() {
		if err := w.index.Again(b.Context(), []store.List{l}, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "posts/s")
}

// BenchmarkSearch measures queries in a list of 10,000 and of 100,000 posts.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		w := newWorld(b)
		l := w.list("heplink")
		w.fill(l, n)
		w.catchUp()
		for name, query := range map[string]string{"rare": "zanzibar", "rare-phrase": `"zanzibar cold chain"`, "frequent": "eeeee aeeee", "frequent-phrase": `"eeeee aeeee"`, "dates": "after:2026-01-01", "from": "from:asha zanzibar"} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				total := 0
				for b.Loop() {
					total = w.search(query, l).Total
				}
				b.ReportMetric(float64(total), "found")
			})
		}
		b.Run(fmt.Sprintf("text/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, ok, err := w.index.Containing(b.Context(), l, "zanzi", true); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
