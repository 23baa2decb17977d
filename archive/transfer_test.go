package archive

import (
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	tests := []struct{ encoding, in, want string }{
		{"7bit", "a=20b", "a=20b"},
		{"base64", "aGVs\r\nbG8=\r\n", "hello"},
		{"base64", "aGVsbG8", "hello"},
		{"base64", "aGVs!bG8=\n", "hello"},
		{"base64", "aGVs\nbG8=\naGk=\n", "hellohi"},
		{"base64", "aGVsbG8=A", "hello"},
		{"BASE64", "aGk=", "hi"},
		{"base64 ", "aGk=", "hi"},
		{"base64;", "aGk=", "hi"},
		{"quoted-printable", "caf=C3=A9 =\r\nnow=3d  \r\nx", "café now=\r\nx"},
		{"quoted-printable", "50=% a=ZZ =", "50=% a=ZZ "},
		{"x-uuencode", "begin 644 x\r\n%:&5L;&\\ \r\n`\r\nend\r\n", "hello"},
		{"x-uuencode", "no begin", "no begin"},
		{"x-unknown", "as it is", "as it is"},
	}
	for _, tt := range tests {
		raw := []byte("Content-Transfer-Encoding: " + tt.encoding + "\n\n" + tt.in)
		p := Parse(raw)
		got := string(p.Decode(raw, 0))
		if got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.encoding, tt.in, got, tt.want)
		}
		for limit := 1; limit < len(got); limit++ {
			if cut := string(p.Decode(raw, limit)); cut != got[:limit] {
				t.Errorf("%s %q limited to %d: %q", tt.encoding, tt.in, limit, cut)
			}
		}
	}
}

func TestFilename(t *testing.T) {
	tests := map[string]string{
		`Content-Disposition: attachment; filename="report.pdf"`:                                             "report.pdf",
		`Content-Disposition: attachment; filename=report.pdf; x=y`:                                          "report.pdf",
		`Content-Disposition: attachment; filename*=utf-8''%E0%A4%A8%E0%A4%AE.pdf`:                           "नम.pdf",
		"Content-Disposition: attachment; filename*0*=utf-8''caf%C3;\n filename*1*=%A9; filename*2=\".txt\"": "café.txt",
		`Content-Disposition: attachment; filename="=?utf-8?Q?caf=C3=A9?=.txt"`:                              "café.txt",
		`Content-Disposition: attachment; filename="../../etc/passwd"`:                                       "passwd",
		`Content-Disposition: attachment; filename="C:\\Users\\asha\\x.doc"`:                                 "x.doc",
		"Content-Disposition: attachment; filename=\"a\u202Egpj.exe\"":                                       "agpj.exe",
		`Content-Disposition: attachment; filename=".."`:                                                     "",
		`Content-Type: image/png; name=my photo.png`:                                                         "my photo.png",
		"Content-Type: image/png; name=\"caf\xe9.png\"":                                                      "café.png",
		`Content-Disposition: attachment; filename="` + strings.Repeat("é", 300) + `.pdf"`:                   strings.Repeat("é", 98) + ".pdf",
		`Subject: none`: "",
	}
	for in, want := range tests {
		if got := Parse([]byte(in + "\n\n")).Filename(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCRLF(t *testing.T) {
	tests := map[string]string{
		"":               "",
		"a":              "a\r\n",
		"a\n\nb\n":       "a\r\n\r\nb\r\n",
		"a\r\nb\nc\r\rd": "a\r\nb\r\nc\r\rd\r\n",
		"a\r\r\n":        "a\r\r\n",
		"\n":             "\r\n",
		"a\x00\n":        "a\x00\r\n",
	}
	for in, want := range tests {
		if got := string(CRLF([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := string(CRLF([]byte(want))); got != want {
			t.Errorf("%q is not stable: %q", want, got)
		}
	}
}
