package files

import (
	"crypto/sha256"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// What is taken of one post at most.
const (
	maxAttachments = 200
	maxLinks       = 50
	maxLink        = 2000 // bytes; longer links lead back to one person
	maxTitle       = 150  // bytes
	ownLines       = 1000
	decoration     = 20_000 // bytes; smaller pictures inside of HTML are logos
)

// Of finds what the author of a post shares: attachments, without signatures and what only programs read, and links in the author's own
// words. Links to the pages of the site are none: they may be meant for one person.
func Of(p store.Post, raw []byte, site string) []store.File {
	body := archive.Read(raw)
	var fs []store.File
	for _, a := range body.Attachments {
		if len(fs) == maxAttachments || body.Encrypted {
			break
		}
		if f, ok := attachment(raw, a); ok {
			fs = append(fs, f)
		}
	}
	fs = append(fs, links(&body, site)...)
	for i := range fs {
		fs[i].Post = p.Number
		fs[i].Words = hidden.ReplaceAllString(Fold(fs[i].Name+" "+fs[i].Title), "$1@")
	}
	return fs
}

// hidden is what pages do not show to everybody of a mail address, and nobody finds out by searching.
var hidden = regexp.MustCompile(`([\pL\pN._%+=-])@[\pL\pN_-]+(?:\.[\pL\pN_-]+)+`)

// attachment is false for one that nobody shares: a signature, a logo, a part without a name that is text for programs.
func attachment(raw []byte, a archive.Attachment) (store.File, bool) {
	named := a.Part.Filename() != ""
	switch {
	case strings.HasSuffix(a.Part.Subtype, "pgp-signature"), strings.HasSuffix(a.Part.Subtype, "pkcs7-signature"):
		return store.File{}, false
	case !named && a.Part.Type == "text" && a.Part.Subtype != "calendar", !named && a.Part.Type == "message" && a.Part.Message == nil:
		return store.File{}, false
	}
	content := a.Part.Decode(raw, 0)
	if len(content) == 0 || a.ContentID != "" && a.Part.Disposition != "attachment" && a.Part.Type == "image" && len(content) < decoration {
		return store.File{}, false
	}
	f := store.File{K: a.K, Name: a.Filename, Type: a.Type, Size: int64(len(content)), Content: sum(string(content))}
	if f.Title = title(a.Part.Header().Text("Content-Description")); f.Title == "" && a.Part.Message != nil {
		f.Title = title(a.Part.Message.Header().Text("Subject"))
	}
	if f.Title == f.Name {
		f.Title = ""
	}
	if f.Group = f.Content; named && !camera.MatchString(f.Name) {
		ext := path.Ext(f.Name)
		f.Group = sum("name " + Fold(copied.ReplaceAllString(strings.TrimSuffix(f.Name, ext), "")+ext))
	}
	return f, true
}

var (
	// camera finds the names that programs give: two files with such a name are not versions of one.
	camera = regexp.MustCompile(`(?i)^(image|img|photo|picture|screen ?shot|dsc|pxl|scan|video|vid|audio|unnamed|untitled|noname|attachment|attached.message|forwarded.message|outlook|winmail|pasted.*)[ _.-]*[\d _.-]*(\.\w+)?$`)
	// copied is what programs add to the name of a file that is there already.
	copied = regexp.MustCompile(` ?\(\d{1,2}\)$`)
)

func sum(s string) (short [16]byte) {
	whole := sha256.Sum256([]byte(s))
	copy(short[:], whole[:])
	return short
}

// title is text on one line.
func title(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)), " ")
	if len(s) > maxTitle {
		s = strings.ToValidUTF8(s[:maxTitle], "") + "…"
	}
	return s
}

// emptied are the brackets that were around a link, and the blank before what stood behind it.
var emptied = strings.NewReplacer("( )", "", "< >", "", "[ ]", "", "  ,", ",", "  .", ".", " ,", ",")

// fewLetters are too few for a title: the number of a footnote.
const fewLetters = 3

// words that stand beside a link; empty when they tell nothing.
func words(s string) string {
	s = title(strings.Trim(emptied.Replace(s), " <>()[]{}:;,.-–—*•|=\"'"))
	letters := 0
	for _, r := range s {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	if letters < fewLetters {
		return ""
	}
	return s
}

// links of the author's own lines. The title is what stands beside a link, or introduces it on the line above.
func links(b *archive.Body, site string) (fs []store.File) {
	if !mayLink(b.Text) {
		return nil
	}
	lines := b.Own(ownLines, false)
	for i, line := range lines {
		at := 0
		beside := ""
		found := archive.Links(line)
		for _, m := range found {
			beside += line[at:m[0]] + " "
			at = m[1]
		}
		beside = words(beside + line[at:])
		if beside == "" && i > 0 && strings.HasSuffix(lines[i-1], ":") {
			beside = words(lines[i-1])
		}
		for _, m := range found {
			f, ok := linkTo(line[m[0]:m[1]], site)
			if !ok || len(fs) == maxLinks {
				continue
			}
			f.Title = beside
			fs = append(fs, f)
		}
	}
	return fs
}

// mayLink is a quick look: most links are in quotes, signatures and the footers of lists.
func mayLink(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if line == "-- " || strings.HasPrefix(line, "________") {
			return false
		}
		if !strings.HasPrefix(line, ">") && strings.Contains(line, "://") {
			return true
		}
	}
	return false
}

// linkTo is false for what leads nowhere for others. Links are the same whatever the scheme and the place within the page.
func linkTo(s, site string) (store.File, bool) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxLink || !strings.Contains(u.Hostname(), ".") || site != "" && (s == site || strings.HasPrefix(s, site+"/")) {
		return store.File{}, false
	}
	f := store.File{Name: s}
	u.Scheme, u.Host = "", strings.ToLower(u.Host)
	if !strings.HasPrefix(u.Fragment, "/") && !strings.HasPrefix(u.Fragment, "!") {
		u.Fragment = ""
	}
	f.Content = sum("link " + strings.TrimSuffix(u.String(), "/"))
	f.Group = f.Content
	return f, true
}
