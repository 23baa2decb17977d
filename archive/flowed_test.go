package archive

import "testing"

func TestUnflow(t *testing.T) {
	tests := map[string]struct {
		in, want string
		delSp    bool
	}{
		"paragraph":              {in: "one \ntwo \nthree\nfour\n", want: "one two three\nfour\n"},
		"blank deleted":          {in: "日 \n本\n", want: "日本\n", delSp: true},
		"quotes":                 {in: "> one \n> two\n>> three \nfour\n", want: "> one two\n>> three \nfour\n"},
		"another depth":          {in: ">> a \n> b \nc \n", want: ">> a \n> b \nc \n"},
		"stuffed":                {in: " From x\n >not quoted\n", want: "From x\n>not quoted\n"},
		"signature":              {in: "one \n-- \nAsha\n", want: "one \n-- \nAsha\n"},
		"quoted signature":       {in: "> one \n> -- \n> Asha\n", want: "> one \n> -- \n> Asha\n"},
		"empty lines":            {in: "one\n\n \ntwo\n", want: "one\n\n\ntwo\n"},
		"empty quote":            {in: "> one\n>\n> two\n", want: "> one\n>\n> two\n"},
		"no line break at end":   {in: "one \ntwo", want: "one two"},
		"flowed line at the end": {in: "one ", want: "one \n"},
		"nothing":                {in: "", want: ""},
	}
	for name, tt := range tests {
		if got := Unflow(tt.in, tt.delSp); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestTextOfHTML(t *testing.T) {
	tests := map[string]string{
		"<p>one</p><p>two</p>":                                         "one\n\ntwo\n",
		"one<br>two<br><br>three":                                      "one\ntwo\n\nthree\n",
		"a  b\n c":                                                     "a b c\n",
		"<b>a</b><i>b</i> <u>c</u>":                                    "ab c\n",
		"<div>a</div><div>b</div>":                                     "a\nb\n",
		"<ul><li>a</li><li>b</li></ul>":                                "* a\n* b\n",
		"<blockquote>a<blockquote>b</blockquote></blockquote>c":        "> a\n\n>> b\n\nc\n",
		"<pre>a\n  b\n</pre>":                                          "a\n  b\n",
		"<style>x</style><script>y</script>z":                          "z\n",
		"<table><tr><td>a<td>b<tr><td>c</table>":                       "a b\nc\n",
		`<a href="https://example.org/">example.org</a>`:               "example.org\n",
		`<a href="https://example.org/x">here</a>.`:                    "here <https://example.org/x>.\n",
		`<a href="javascript:x">here</a><img alt="a map" src="cid:x">`: "herea map\n",
		"&lt;b&gt; &amp; caf&eacute;":                                  "<b> & café\n",
		"<script>never closed":                                         "",
		"":                                                             "",
	}
	for in, want := range tests {
		if got := textOfHTML(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestReadChoosesTheText(t *testing.T) {
	raw := "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; name=body.txt\n\nhello\n--b\nContent-Type: image/png\n\nx\n--b--\n"
	b := Read([]byte(raw))
	if b.Text != "hello\n" || len(b.Attachments) != 1 || b.Attachments[0].Filename != "part-1.png" {
		t.Errorf("a body with a name: %q, %+v", b.Text, b.Attachments)
	}
	if b := Read([]byte("\n-----BEGIN PGP MESSAGE-----\n")); !b.Encrypted || b.Signed {
		t.Errorf("an encrypted text: %+v", b)
	}
	if b := Read([]byte("\n-----BEGIN PGP SIGNED MESSAGE-----\n")); b.Encrypted || !b.Signed {
		t.Errorf("a signed text: %+v", b)
	}
}
