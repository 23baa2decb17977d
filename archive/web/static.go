package web

import (
	"net/http"
	"strconv"
)

// static is a file of the site. Its address changes with its content, so it is kept for good.
type static struct {
	path, kind    string
	plain, packed []byte
}

func newStatic(path, kind string, content []byte) static {
	return static{path, kind, content, pack(content)}
}

func (f static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	b := f.plain
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		b = f.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.Write(b)
}
