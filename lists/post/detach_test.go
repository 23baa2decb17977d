package post_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

const (
	head   = "From: asha@example.org\nTo: heplink@lists.example.org\nSubject: Photos\nMIME-Version: 1.0\n"
	photo  = "--b\nContent-Type: image/jpeg; name=\"foto=?utf-8?Q?_?=1.jpg\"\nContent-Disposition: attachment; filename*=utf-8''%E0%A4%AB%E0%A5%8B%E0%A4%9F%E0%A5%8B.jpg\nContent-Transfer-Encoding: base64\n\n/9j/4AAQSkZJRg==\n"
	inline = "--r\nContent-Type: image/png\nContent-ID: <one@x>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--r\nContent-Type: image/png\nContent-ID: <one@x2>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n"
)

func say(a archive.Attachment) string  { return fmt.Sprintf("%s: %s", a.Filename, link(a)) }
func link(a archive.Attachment) string { return fmt.Sprintf("https://x.example/%d", a.K) }

func detach(raw string) (string, bool) {
	out, taken := post.Detach([]byte(strings.ReplaceAll(raw, "\n", "\r\n")), say, link)
	return string(out), taken
}

func TestDetach(t *testing.T) {
	utf16le := func(s string) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return base64.StdEncoding.EncodeToString(b)
	}
	for name, c := range map[string]struct{ raw, text, html string }{
		"text and a photo": {head + "Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\nContent-Type: text/plain\n\nSee the photo.\n" + photo + "--b--\nepilogue\n",
			"See the photo.\n\nफोटो.jpg: https://x.example/1\n", ""},
		"the photo first": {head + "Content-Type: multipart/mixed; boundary=b\n\n" + photo + "--b\nContent-Type: text/plain\n\nSee the photo.\n--b--\n",
			"See the photo.\n\nफोटो.jpg: https://x.example/1\n", ""},
		"Latin-1": {head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nCaf=E9\n" + photo + "--b--\n",
			"Café\n\nफोटो.jpg: https://x.example/1\n", ""},
		"Japanese": {head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$\"\x1b(B\n" + photo + "--b--\n",
			"あ\n\nफोटो.jpg: https://x.example/1\n", ""},
		"UTF-16": {head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\n" + utf16le("नमस्ते\n") + "\n" + photo + "--b--\n",
			"नमस्ते\n\nफोटो.jpg: https://x.example/1\n", ""},
		"flowed": {head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; format=flowed\n\nA line \nthat flows \n" + photo + "--b--\n",
			"A line \nthat flows\n\nफोटो.jpg: https://x.example/1\n", ""},
		"pictures within HTML": {head + "Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\nSee.\n--a\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" +
			base64.StdEncoding.EncodeToString([]byte(`<p>See. <img src="cid:one@x2"><img src="cid:one@x"></p>`)) + "\n--a--\n" + inline + "--r--\n",
			"See.\n\npart-1.png: https://x.example/1\npart-2.png: https://x.example/2\n", `<img src="https://x.example/2"><img src="https://x.example/1">`},
		"nothing but a file": {head + "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\nContent-Description: x\n\nJVBERi0=\n",
			"a.pdf: https://x.example/1\n", ""},
		"nothing but files": {head + "Content-Type: multipart/mixed; boundary=b\n\n" + photo + photo + "--b--\n",
			"फोटो.jpg: https://x.example/1\nफोटो.jpg: https://x.example/2\n", ""},
		"a forwarded message": {head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee.\n--b\nContent-Type: message/rfc822\n\nSubject: inner\n\nInner text.\n--b--\n",
			"See.\n\npart-1.eml: https://x.example/1\n", ""},
		"not closed": {head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee.\n" + photo,
			"See.\n\nफोटो.jpg: https://x.example/1\n", ""},
	} {
		out, taken := detach(c.raw)
		body := archive.Read([]byte(out))
		if !taken || body.Text != c.text || len(body.Attachments) != 0 || !strings.Contains(body.HTML, c.html) || !strings.HasPrefix(out, "From: asha@example.org\r\n") {
			t.Errorf("%s: %v, %d attachments, text %q, want %q\n%s\n%s", name, taken, len(body.Attachments), body.Text, c.text, body.HTML, out)
		}
		if again, taken := post.Detach([]byte(out), say, link); taken || string(again) != out {
			t.Errorf("%s: something is left to take", name)
		}
	}
}

// What is signed or encrypted, and what has nothing to take, keeps every byte.
func TestDetachBreaksNothing(t *testing.T) {
	for name, raw := range map[string]string{
		"signed":              head + "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=s\n\n--s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n" + photo + "--b--\n--s\nContent-Type: application/pgp-signature\n\nx\n--s--\n",
		"signed within":       head + "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=s\n\n--s\n\ntext\n--s\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nx\n--s--\n--o\nContent-Type: image/png\n\nx\n--o--\n",
		"encrypted":           head + "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=s\n\n--s\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--s\nContent-Type: application/octet-stream\n\nx\n--s--\n",
		"S/MIME":              head + "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\nMIAG\n",
		"signed in the text":  head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n-----BEGIN PGP SIGNED MESSAGE-----\n\ntext\n-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----\n" + photo + "--b--\n",
		"signed further down": head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello,\n-----BEGIN PGP MESSAGE-----\nx\n" + photo + "--b--\n",
		"no attachment":       head + "\ntext\n",
	} {
		if out, taken := detach(raw); taken || out != strings.ReplaceAll(raw, "\n", "\r\n") {
			t.Errorf("%s: changed to\n%s", name, out)
		}
	}
}

func TestStrippedPostHasNoAttachments(t *testing.T) {
	l := store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()}
	l.Attachments, l.Footer = "strip", "The footer"
	raw := head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee.\n" + photo + "--b--\n"
	p := post.New(l, "asha@example.org", []byte(raw), time.Now())
	body := archive.Read(post.Transform(post.Site{Hostname: "lists.example.org"}, p, 1))
	if want := "See.\n\n[फोटो.jpg, 1 KB: removed]\n\nThe footer\n"; body.Text != want || len(body.Attachments) != 0 {
		t.Errorf("%q", body.Text)
	}
}

func FuzzDetach(f *testing.F) {
	f.Add(head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee the photo.\n" + photo + "--b--\nepilogue\n")
	f.Add(head + "Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<img src=cid:one@x>\n" + inline + "--r--\n")
	f.Fuzz(func(t *testing.T, raw string) {
		raw = string(archive.CRLF([]byte(raw)))
		out, taken := post.Detach([]byte(raw), say, link)
		if !taken && string(out) != raw {
			t.Errorf("not taken, but changed: %q", out)
		}
		if first, _, _ := strings.Cut(raw, "\r\n"); taken && strings.HasPrefix(first, "From: ") && !strings.HasPrefix(string(out), first) {
			t.Errorf("the header is gone: %q", out)
		}
	})
}
