package intake

import (
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/authres"

	"wesouthasians.org/sangam/archive"
)

// verified tells whether a trusted server of our own has found that the message passed DMARC for its From address: by an
// Authentication-Results field (RFC 8601) with a name that the configuration lists, on mail from a trusted network.
func (in *Intake) verified(e Envelope, raw []byte) bool {
	if !e.Trusted || len(in.AuthServers) == 0 {
		return false
	}
	h := archive.ParseHeader(raw)
	authors := h.Addresses("From")
	if len(authors) != 1 {
		return false
	}
	for _, v := range h.Values("Authentication-Results") {
		id, results, err := authres.Parse(v)
		if err != nil || !slices.ContainsFunc(in.AuthServers, func(s string) bool { return strings.EqualFold(s, id) }) {
			continue
		}
		for _, r := range results {
			d, ok := r.(*authres.DMARCResult)
			if ok && d.Value == authres.ResultPass && strings.EqualFold(d.From, authors[0].Domain()) {
				return true
			}
		}
		return false // the topmost is of the server that was last, what is below may be forged
	}
	return false
}
