package web_test

import (
	"testing"
)

func TestThreadsThatTurnOutToBeOne(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	mail := func(id, refs string) string {
		return "From: Asha <asha@x.org>\nSubject: Stocks " + id + "\nMessage-ID: <" + id + ">\nReferences: " + refs + "\n\nText of " + id + "\n"
	}
	s.post(l, mail("a@x", ""))
	s.post(l, mail("b@x", "<late@x>"))
	b := s.browser()
	b.get("/heplink/t/2", 200).has(t, "Text of b@x").lacks(t, "Text of a@x")
	s.post(l, mail("late@x", "<a@x>"))
	if to := b.get("/heplink/t/2?mono=1", 302).Header.Get("Location"); to != "/heplink/t/1?mono=1#2" {
		t.Errorf("the address of the joined thread leads to %s", to)
	}
	b.get("/heplink/t/1", 200).has(t, "Text of a@x", "Text of late@x", "Text of b@x")
	b.get("/heplink/t/3", 200).has(t, "Text of a@x")
	b.get("/heplink/t/2.atom", 200).has(t, "Text of a@x")
}
