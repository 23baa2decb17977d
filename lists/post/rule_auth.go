package post

import "wesouthasians.org/sangam/store"

// Auth is what the server that received a message found out about its author.
type Auth struct {
	Domain   string // of the author; empty when From has not one domain
	Verified bool   // the message passed DMARC for it
	Refused  bool   // it failed, the domain wants such mail refused, and nobody who is trusted vouches for it
}

// Refusal answers mail that is not of whom it says.
func (a Auth) Refusal() *store.Refusal {
	return &store.Refusal{Code: 550, Enhanced: [3]int{5, 7, 1}, Public: a.Domain +
		" asks to refuse mail in its name that it did not send or sign (DMARC): send it through the server of your mail provider"}
}

// auth asks whether the message is of whom it says.
func auth(p *Post) outcome {
	if !p.Auth.Refused {
		return outcome{}
	}
	r := p.Auth.Refusal()
	return outcome{action: Rejected, reason: r.Public, code: "other", refusal: r}
}
