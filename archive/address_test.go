package archive

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseAddresses(t *testing.T) {
	tests := map[string]string{ // name|local|host, one after the other; group starts are name:, ends ;
		"asha@example.org":                                   "||asha|example.org",
		"Asha Rao <asha@example.org>":                        "|Asha Rao|asha|example.org",
		"<asha@example.org>":                                 "||asha|example.org",
		`"Rao, Asha" <asha@example.org>`:                     "|Rao, Asha|asha|example.org",
		"Rao, Asha <asha@example.org>":                       "|Rao, Asha|asha|example.org",
		"asha@example.org (Asha Rao)":                        "|Asha Rao|asha|example.org",
		"asha at example.org (Asha Rao)":                     "|Asha Rao|asha|example.org",
		"Asha Rao asha@example.org":                          "|Asha Rao|asha|example.org",
		"a@x, b@y,,c@z":                                      "||a|x ||b|y ||c|z",
		"Friends: a@x, B <b@y>;, c@z":                        "Friends: ||a|x |B|b|y ; ||c|z",
		"undisclosed-recipients:;":                           "undisclosed-recipients: ;",
		"Friends: a@x":                                       "Friends: ||a|x ;",
		"<@relay,@other:asha@example.org>":                   "||asha|example.org",
		`"a b"@example.org`:                                  `||"a b"|example.org`,
		"asha":                                               "||asha|",
		"Asha Rao":                                           "||Asha Rao|",
		"Asha <asha@example.org":                             "|Asha|asha|example.org",
		"asha@example.org <asha@example.org>":                "|asha@example.org|asha|example.org",
		"a@b@example.org":                                    "||a@b|example.org",
		"Pete(A nice \\) chap) <pete(his)@silly.test(host)>": "|Pete|pete|silly.test",
		"asha @ example . org":                               "||asha|example.org",
		"<mailto:asha@example.org>":                          "||asha|example.org",
		"=?utf-8?Q?Asha?= <asha@example.org>":                "|=?utf-8?Q?Asha?=|asha|example.org",
		"":                                                   "",
		"<>":                                                 "",
	}
	for in, want := range tests {
		var got []string
		for _, m := range parseAddresses(in) {
			switch {
			case m.group && m.name != "":
				got = append(got, m.name+":")
			case m.group:
				got = append(got, ";")
			default:
				got = append(got, fmt.Sprintf("|%s|%s|%s", m.name, m.local, m.host))
			}
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%q: %q, want %q", in, g, want)
		}
	}
}
