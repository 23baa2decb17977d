package bounce

import (
	"encoding/json"
	"strings"
)

// notice is what a bulk mailer (Amazon SES) tells by a mail whose text is JSON.
type notice struct {
	Message string // the notice itself, where the whole envelope was mailed
	Bounce  struct {
		Type       string `json:"bounceType"`
		Recipients []struct {
			Address    string `json:"emailAddress"`
			Status     string `json:"status"`
			Diagnostic string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Recipients []struct {
			Address string `json:"emailAddress"`
		} `json:"complainedRecipients"`
	} `json:"complaint"`
}

// notification reads the notices of a bulk mailer about mail that it relayed.
func notification(m *message) (Report, bool) {
	at := strings.IndexByte(m.text, '{')
	if at < 0 || !strings.Contains(m.text, "bouncedRecipients") && !strings.Contains(m.text, "complainedRecipients") {
		return Report{}, false
	}
	// Lines over 1000 bytes were broken on their way, by some servers with an exclamation mark.
	text := strings.NewReplacer("!\n ", "", "\n", "").Replace(m.text[at:])
	var n notice
	if json.NewDecoder(strings.NewReader(text)).Decode(&n) != nil || n.Message != "" && json.Unmarshal([]byte(n.Message), &n) != nil {
		return Report{}, false
	}
	r := Report{Kind: Bounce}
	for _, b := range n.Bounce.Recipients {
		a := mailAddress(b.Address)
		if a == "" {
			continue
		}
		_, diagnostic, _ := strings.Cut(b.Diagnostic, ";")
		rc := Recipient{Address: a, Action: failed, Status: bestStatus(b.Status, diagnostic)}
		rc.Permanent = permanent(rc.Status, "") && n.Bounce.Type != "Transient"
		rc.Hard = rc.Permanent && Hard(rc.Status+" "+diagnostic)
		if r.Answer == "" {
			r.Answer = oneLine(rc.Status + " " + diagnostic)
		}
		r.Recipients = append(r.Recipients, rc)
	}
	for _, c := range n.Complaint.Recipients {
		if a := mailAddress(c.Address); a != "" {
			r.Kind, r.Unwanted = Complaint, true
			r.Recipients = append(r.Recipients, Recipient{Address: a, Action: complained})
		}
	}
	return r, len(r.Recipients) > 0
}
