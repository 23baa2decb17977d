package post

import (
	"net/mail"
	"testing"
)

func TestPhraseIsReadBack(t *testing.T) {
	for _, name := range []string{"HepLink", "Hep, Link", `Asha "Ash" Rao`, "हेपलिंक", `हेपलिंक: C, "B" & más`, "Dr. José (Delhi)", "=?utf-8?B?aGk=?=", "=?x, y", `back\\slash`,
		"a@b.example", "<x@example.org>", "العربية، «قائمة»", "கல்லீரல் குழு."} {
		a, err := mail.ParseAddress(mailbox(name, "asha@example.org"))
		if err != nil || a.Name != name || a.Address != "asha@example.org" {
			t.Errorf("%s is written as %s and read as %v, %v", name, mailbox(name, "asha@example.org"), a, err)
		}
	}
}
