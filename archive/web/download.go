package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/mbox"
	"wesouthasians.org/sangam/store"
)

// sandbox is the policy of what others wrote: it runs nothing and belongs to no site.
const sandbox = "default-src 'none'; sandbox"

// mayDownload tells whether the reader may have whole messages, which hold whole addresses.
func (x *reading) mayDownload() bool { return x.member != nil || x.list.Raw == "public" }

const membersDownload = "Only members of this list download whole messages, for these hold the addresses of their authors."

// download answers with a file; a client that lost the line goes on where it stopped.
func (x *reading) download(kind, how, name string, content []byte) {
	h := x.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(how, name))
	h.Set("Content-Security-Policy", sandbox)
	http.ServeContent(x.w, x.r, "", time.Time{}, bytes.NewReader(content))
}

// unchanged marks the answer with what it depends on, beside its address, and gives it when the client has it. The right to read is
// asked for anew each time.
func (x *reading) unchanged(key any) bool {
	sum := sha256.Sum256(fmt.Append(nil, x.r.URL.EscapedPath(), "\x00", key))
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := x.w.Header()
	h.Set("ETag", tag)
	h.Set("Vary", "Cookie")
	h.Set("Cache-Control", "private, no-cache")
	if knows(x.r, tag) {
		x.w.WriteHeader(http.StatusNotModified)
		return true
	}
	return false
}

func (x *reading) raw(p store.Post) {
	if !x.mayDownload() {
		x.noRight(membersDownload)
		return
	}
	if x.unchanged([2]any{p.Content, p.Redacted}) {
		return
	}
	raw, err := x.Store.Raw(x.list.ID, p.Number)
	if err != nil {
		x.failed(x.w, x.r, err)
		return
	}
	x.download("message/rfc822", "attachment", fmt.Sprintf("%s-%d.eml", x.name, p.Number), raw)
}

// mbox streams posts as mboxrd.
func (x *reading) mbox(name string, ps iter.Seq2[store.Post, error]) {
	if !x.mayDownload() {
		x.noRight(membersDownload)
		return
	}
	if x.unchanged([3]uint64{x.log.Last, x.log.Count, x.log.Redactions}) {
		return
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/gzip")
	h.Set("Content-Disposition", disposition("attachment", name+".mbox.gz"))
	if x.r.Method == http.MethodHead {
		return
	}
	z := gzip.NewWriter(x.w)
	w := mbox.NewWriter(z)
	for p, err := range ps {
		if err == nil && p.Removed {
			continue
		}
		var raw []byte
		if err == nil {
			raw, err = x.Store.Raw(x.list.ID, p.Number)
		}
		if store.IsDamage(err) {
			x.Log.Error("a post is left out of a download", "list", x.list.Address(), "number", p.Number, "cause", err)
			continue
		}
		if err == nil {
			err = w.Write(p.Received, raw)
		}
		if err != nil { // the stream has begun: only its end can tell
			x.Log.Error("download failed", "path", x.r.URL.Path, "cause", err)
			panic(http.ErrAbortHandler)
		}
	}
	if w.Flush() == nil {
		z.Close()
	}
}

// shownTypes are pictures that browsers show and that hold no script.
var shownTypes = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

// savedTypes keep their type when they are saved; of all others the browser is told nothing.
var savedTypes = map[string]bool{"application/pdf": true, "text/plain": true, "text/csv": true, "application/zip": true}

// attachment serves the k-th; what follows k in the address is for people.
func (x *reading) attachment(p store.Post, rest string) {
	k, _, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(k)
	if err != nil || strconv.Itoa(n) != k {
		x.missing(x.w, x.r)
		return
	}
	if x.unchanged([2]any{p.Content, p.Redacted}) {
		return
	}
	raw, err := x.Store.Raw(x.list.ID, p.Number)
	if err != nil {
		x.failed(x.w, x.r, err)
		return
	}
	for _, f := range archive.Read(raw).Attachments {
		if f.K != n {
			continue
		}
		if f.Removed() {
			x.w.Header().Del("ETag")
			x.answer(x.w, x.r, http.StatusGone, answer{Title: "Removed", Text: "This attachment was removed from the archive.",
				Links: []step{{fmt.Sprintf("/%s/%d", x.name, p.Number), "The post it was in"}}})
			return
		}
		kind, how := "application/octet-stream", "attachment"
		switch {
		case shownTypes[f.Type]:
			kind, how = f.Type, "inline"
		case savedTypes[f.Type]:
			kind = f.Type
		}
		x.download(kind, how, visible(f.Filename), f.Part.Decode(raw, 0))
		return
	}
	x.w.Header().Del("ETag")
	x.missing(x.w, x.r)
}

func disposition(how, name string) string {
	return cmp.Or(mime.FormatMediaType(how, map[string]string{"filename": name}), how)
}
