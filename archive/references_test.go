package archive

import (
	"strings"
	"testing"
	"time"
)

func TestReferences(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := map[string]struct{ header, want string }{
		"none":                          {"Subject: x", ""},
		"references":                    {"References: <a@x> <b@x>", "a@x b@x"},
		"in reply to alone":             {"In-Reply-To: <a@x>", "a@x"},
		"in reply to among them":        {"References: <a@x> <b@x>\nIn-Reply-To: <a@x>", "a@x b@x"},
		"in reply to is the parent":     {"References: <a@x>\nIn-Reply-To: <b@x>", "a@x b@x"},
		"twice":                         {"References: <a@x> <b@x> <a@x>", "a@x b@x"},
		"two fields":                    {"References: <a@x>\nReferences: <b@x>", "a@x b@x"},
		"folded":                        {"References: <a@x>\n\t<b@x>\n <c@x>", "a@x b@x c@x"},
		"an id folded within":           {"References: <a-very-long-\n one@x> <b@x>", "a-very-long-one@x b@x"},
		"no blanks between":             {"References: <a@x><b@x>,<c@x>", "a@x b@x c@x"},
		"own id":                        {"References: <a@x> <own@x>", "a@x"},
		"answers to a prompt":           {"References: <a@x>\nIn-Reply-To: <y>", "a@x"},
		"an address of To":              {"References: <a@x>\nIn-Reply-To: <Ravi@example.org>", "a@x"},
		"an address of From":            {"In-Reply-To: <asha@example.org>", ""},
		"an address of Cc":              {"In-Reply-To: <list@example.org>", ""},
		"free text":                     {`In-Reply-To: "Your message of Mon, 23 Nov" <a@x>`, "a@x"},
		"free text about a person":      {"In-Reply-To: Message from Ben <ben@x.org> of Mon, 23 Nov <a@x>", "a@x"},
		"free text behind":              {"In-Reply-To: <a@x> (Ben <ben@x.org> wrote this)", "a@x"},
		"several in reply to":           {"In-Reply-To: <a@x>, <b@x>", "a@x b@x"},
		"only free text":                {"In-Reply-To: Your message of Mon, 23 Nov", ""},
		"less than":                     {"In-Reply-To: 1 < 2 and 3 > 2 of mine", ""},
		"without brackets":              {"In-Reply-To: a@x", "a@x"},
		"not closed":                    {"References: <a@x> <b@x", "a@x"},
		"twice opened":                  {"References: <<a@x>> <b@x>", "a@x b@x"},
		"without @":                     {"References: <abc>", "abc"},
		"empty":                         {"References: <> <  > <a@x>", "a@x"},
		"too long":                      {"References: <" + long + "@x>", long[:maxMessageID]},
		"more than are kept":            {"References: " + strings.Repeat("<0@x> <1@x> ", 5) + manyIDs(200), strings.Join(strings.Fields(strings.NewReplacer("<", "", ">", "").Replace(manyIDs(200)))[100:], " ")},
		"control characters and quotes": {"References: <a\x01b\"@x>", `ab"@x`},
	}
	for name, tt := range tests {
		d := Describe([]byte("Message-ID: <own@x>\nFrom: asha@example.org\nTo: Ravi <ravi@example.org>\nCc: list@example.org\n"+tt.header+"\n\n"), time.Time{})
		if got := strings.Join(d.References, " "); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func manyIDs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("<id" + strings.Repeat("i", i) + "@x> ")
	}
	return b.String()
}

func TestMessageID(t *testing.T) {
	tests := map[string]string{
		"Message-ID: <a@x>":              "a@x",
		"message-id:<a@x>":               "a@x",
		"Message-ID: junk <a@x> <b@x>":   "a@x",
		"Message-ID: a@x":                "a@x",
		"Message-ID: <a@x":               "a@x",
		"Message-ID: none at all":        "",
		"Message-ID:":                    "",
		"Message-ID: <>":                 "",
		"Message-ID:\nMessage-ID: <b@x>": "b@x",
		"Subject: x":                     "",
		"Message-ID: <" + strings.Repeat("é", 200) + "@x>": strings.Repeat("é", 122),
		"Message-ID: <caf\xe9@x>":                          "café@x",
	}
	for in, want := range tests {
		if got := Describe([]byte(in+"\n\n"), time.Time{}).Post.MessageID; got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzReferences(f *testing.F) {
	f.Add("References: <a@x> <b@x>\r\n <c@x>\r\nIn-Reply-To: <y>\r\nMessage-ID: <own@x>")
	f.Add("In-Reply-To: <a <b> c@d>")
	f.Fuzz(func(t *testing.T, header string) {
		d := Describe([]byte(header+"\n\n"), time.Time{})
		seen := map[string]bool{"": true}
		for _, id := range append(d.References, d.Post.MessageID) {
			if seen[id] && id != d.Post.MessageID || len(id) > maxMessageID || strings.ContainsAny(id, "<> \t\r\n\x00") {
				t.Fatalf("%q has the reference %q", header, id)
			}
			seen[id] = true
		}
	})
}
