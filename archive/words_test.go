package archive

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestHeaderText(t *testing.T) {
	tests := map[string]string{
		"plain":                                     "plain",
		"=?utf-8?Q?Caf=C3=A9?=":                     "Café",
		"=?UTF-8?b?4KSo4KSu4KS44KWN4KSk4KWH?=":      "नमस्ते",
		"Re: =?iso-8859-1?q?caf=E9_cr=E8me?= now":   "Re: café crème now",
		"=?utf-8?Q?a?= =?utf-8?Q?b?=":               "ab",
		"=?utf-8?Q?a?=\r\n\t=?iso-8859-1?Q?=E9?= c": "aé c",
		"=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=":        "café",    // a character split over two words
		"=?utf-8?B?Y2Fmw?= =?utf-8?B?6k=?=":         "café",    // a quantum split over two words
		"=?utf-8?Q?caf=C3=A9":                       "café",    // no end
		"=?utf-8?Q?a b c?= d":                       "a b c d", // blanks within
		"=?utf-8?Q?a =?utf-8?Q?b?=":                 "ab",
		"a=?utf-8?Q?b?=c":                           "abc",
		"=?utf-8*en?Q?hello?=":                      "hello",
		"=?x-no-such?Q?caf=C3=A9?=":                 "café",
		"=?x-no-such?Q?caf=E9?=":                    "café",
		"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=":        "日本",
		"=?ks_c_5601-1987?B?x9GxuQ==?=":             "한국",
		"=?gb18030?B?1tC5+g==?=":                    "中国",
		"=?windows-1251?Q?=CF=F0=E8=E2=E5=F2?=":     "Привет",
		"=?tis-620?B?5LfC?=":                        "ไทย",
		"=?utf-7?Q?Caf+AOk-?=":                      "Café",
		"=?unknown-8bit?Q?caf=C3=A9?=":              "café",
		"=?utf-8?X?abc?=":                           "=?utf-8?X?abc?=",
		"=?utf-8?Q??=":                              "",
		"=?":                                        "=?",
		"=?utf-8":                                   "=?utf-8",
		"a =? b":                                    "a =? b",
		"\"=?utf-8?Q?caf=C3=A9?=\"":                 "\"café\"",
		"caf\xc3\xa9":                               "café",
		"caf\xe9":                                   "café",
		"\x1b$BF|K\\\x1b(B":                         "日本",
		"=?utf-8?Q?a=0D=0ABcc:_x?=":                 "a  Bcc: x", // no new line in what is shown
		"=?utf-8?Q?a=00b=1B[0m?=":                   "ab[0m",
	}
	for in, want := range tests {
		h := ParseHeader([]byte("X: y\r\nSubject: " + in + "\r\n\r\n"))
		if got := h.Text("subject"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestHeaderTextUsesTheBodysCharset(t *testing.T) {
	h := ParseHeader([]byte("Subject: \xcf\xf0\xe8\xe2\xe5\xf2\nContent-Type: text/plain; charset=windows-1251\n\n"))
	if got := h.Text("Subject"); got != "Привет" {
		t.Errorf("%q", got)
	}
}

func TestHeader(t *testing.T) {
	raw := "From asha Tue Nov 24 10:00:00 2026\nsubject : one\n two\nTo: a@x\nno field\n continued\nTO: b@x\n\nSubject: body\n"
	h := ParseHeader([]byte(raw))
	if got := h.Get("Subject"); got != "one two" {
		t.Errorf("Subject %q", got)
	}
	if got := strings.Join(h.Values("to"), " "); got != "a@x b@x" {
		t.Errorf("To %q", got)
	}
	if h.Has("Cc") || !h.Has("To") {
		t.Error("Has is wrong")
	}
}

func TestCharsets(t *testing.T) {
	tests := []struct{ charset, in, want string }{
		{"utf-8", "caf\xc3\xa9", "café"},
		{"utf-8", "caf\xe9", "café"},
		{"utf-8", "नमस्ते \xff", "नमस्ते \uFFFD"},
		{"us-ascii", "caf\xc3\xa9", "café"},
		{"us-ascii", "caf\xe9", "café"},
		{"", "caf\xe9", "café"},
		{"y", "caf\xc3\xa9", "café"},
		{"true", "caf\xc3\xa9", "café"},
		{"x-user-defined", "caf\xe9", "café"},
		{"charset=iso-8859-1", "caf\xe9", "café"},
		{"'iso-8859-1'", "caf\xe9", "café"},
		{"cp1251", "\xcf", "П"},
		{"windows1252", "\x93", "“"},
		{"ibm850", "\x82", "é"},
		{"uft-8", "caf\xc3\xa9", "café"},
		{"ansi_x3.110-1983", "caf\xe9", "café"},
		{"iso-2022-kr", "plain", "plain"},
		{"hz-gb-2312", "~{VP9z~}", "中国"},
		{"unicode-1-1-utf-7", "a+AOk-b +- c", "aéb + c"},
		{"utf-16", "\xfe\xff\x00a\x00b", "ab"},
		{"utf-16le", "a\x00b\x00", "ab"},
		{"big5", "\xa4\xa4", "中"},
		{"shift_jis", "\x93\xfa", "日"},
		{"euc-jp", "\xc6\xfc", "日"},
		{"iso-8859-8-i", "\xf9", "ש"},
		{"koi8-r", "\xf0", "П"},
		{strings.Repeat("x", 1000), "caf\xe9", "café"},
	}
	for _, tt := range tests {
		if got := decodeCharset([]byte(tt.in), tt.charset); got != tt.want {
			t.Errorf("%.20s %q: %q, want %q", tt.charset, tt.in, got, tt.want)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add("Subject: =?utf-8?Q?caf=C3?= =?utf-8?B?qQ==?=\r\n x\r\n\r\n", "iso-8859-1")
	f.Add("Content-Type: text/plain; name*0*=utf-8''%41; name*1=b\n\n", "utf-7")
	f.Add("=?a?b?\x1b$B", "iso-2022-jp")
	f.Fuzz(func(t *testing.T, raw, charset string) {
		h := ParseHeader([]byte(raw))
		_, params := parseParams(raw, charset)
		texts := []string{h.Text("Subject"), decodeWords(raw, charset)}
		for _, v := range params {
			texts = append(texts, v)
		}
		for _, s := range texts {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Fatalf("not a line of text: %q", s)
			}
		}
	})
}
