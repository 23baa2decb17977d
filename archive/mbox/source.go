package mbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"wesouthasians.org/sangam/archive"
)

// source is one file to read.
type source struct {
	path string
	mail bool // one message, whatever it begins with
	size int64
}

// find lists the files of a path in the order of their names. A folder is a Maildir when it has cur and new; other folders are searched
// through. Hidden files and what is no regular file are refused.
func find(path string) (files []source, refused []Refusal) {
	stat, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, []Refusal{{Source: path, Reason: cause(err)}}
	case !stat.IsDir():
		return []source{newSource(path, stat)}, nil
	case isMaildir(path):
		return findMaildir(path)
	}
	return findFolder(path)
}

func newSource(path string, stat fs.FileInfo) source {
	return source{path: path, mail: strings.EqualFold(filepath.Ext(path), ".eml"), size: stat.Size()}
}

// cause of an error without its path, which the source says already.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Sprintf("%s: %v", pe.Op, pe.Err)
	}
	return err.Error()
}

func isMaildir(path string) bool {
	for _, name := range []string{"cur", "new"} {
		if stat, err := os.Stat(filepath.Join(path, name)); err != nil || !stat.IsDir() {
			return false
		}
	}
	return true
}

func findFolder(path string) (files []source, refused []Refusal) {
	entries, err := os.ReadDir(path) // sorted by name
	if err != nil {
		return nil, []Refusal{{Source: path, Reason: cause(err)}}
	}
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
			refused = append(refused, Refusal{Source: name, Reason: "hidden: name it to import it"})
		case e.IsDir():
			f, r := find(name)
			files, refused = append(files, f...), append(refused, r...)
		default:
			f, r := regular(name, e)
			files, refused = append(files, f...), append(refused, r...)
		}
	}
	return files, refused
}

func regular(name string, e fs.DirEntry) ([]source, []Refusal) {
	stat, err := e.Info()
	if err != nil {
		return nil, []Refusal{{Source: name, Reason: cause(err)}}
	}
	if !stat.Mode().IsRegular() {
		return nil, []Refusal{{Source: name, Reason: "not a regular file"}}
	}
	return []source{newSource(name, stat)}, nil
}

// findMaildir takes the messages of cur and new together: their names begin with the time of arrival. What is in tmp is not delivered yet.
func findMaildir(path string) (files []source, refused []Refusal) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, []Refusal{{Source: path, Reason: cause(err)}}
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") {
			refused = append(refused, Refusal{Source: filepath.Join(path, e.Name()), Reason: "another folder: name it to import it"})
		}
	}
	for _, sub := range []string{"cur", "new"} {
		entries, err := os.ReadDir(filepath.Join(path, sub))
		if err != nil {
			refused = append(refused, Refusal{Source: filepath.Join(path, sub), Reason: cause(err)})
		}
		for _, e := range entries {
			f, r := regular(filepath.Join(path, sub, e.Name()), e)
			for i := range f {
				f[i].mail = true
			}
			files, refused = append(files, f...), append(refused, r...)
		}
	}
	slices.SortStableFunc(files, func(a, b source) int { return strings.Compare(filepath.Base(a.path), filepath.Base(b.path)) })
	return files, refused
}

// read calls message for each message of the file and refuse for what is left out. An error of message ends it.
func (s source) read(maxSize int, done *atomic.Int64, message func(Message, string) error, refuse func(Refusal)) error {
	f, err := os.Open(s.path)
	if err != nil {
		refuse(Refusal{Source: s.path, Reason: cause(err)})
		return nil
	}
	defer f.Close()
	r := bufio.NewReaderSize(&counter{r: f, n: done}, 64<<10)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r) // reads concatenated streams as one
		if err != nil {
			refuse(Refusal{Source: s.path, Reason: "gzip: " + err.Error()})
			return nil
		}
		r = bufio.NewReaderSize(z, 64<<10)
	}
	switch head, _ := r.Peek(8 << 10); {
	case len(head) == 0:
		_, err := r.Peek(1)
		refuse(Refusal{Source: s.path, Reason: emptyReason(err)})
		return nil
	case s.mail || looksLikeMail(head):
		return s.readMail(r, maxSize, message, refuse)
	case !looksLikeMbox(head):
		refuse(Refusal{Source: s.path, Reason: "neither an mbox nor a message"})
		return nil
	}
	return s.readMbox(r, maxSize, message, refuse)
}

func emptyReason(err error) string {
	if err == nil || err == io.EOF {
		return "the file is empty"
	}
	return "broken off: " + cause(err)
}

// looksLikeMail tells whether a file begins with a header field.
func looksLikeMail(head []byte) bool {
	return beginsField(bytes.TrimLeft(head, " \t\r\n"))
}

// looksLikeMbox tells whether there is a From line near a file's beginning.
func looksLikeMbox(head []byte) bool {
	for line := range bytes.Lines(head) {
		if bytes.HasPrefix(line, []byte("From ")) && fromDate(line) != nil {
			return true
		}
	}
	return bytes.HasPrefix(bytes.TrimLeft(head, "\r\n"), []byte("From "))
}

func (s source) readMail(r io.Reader, maxSize int, message func(Message, string) error, refuse func(Refusal)) error {
	raw, err := io.ReadAll(io.LimitReader(r, int64(maxSize)+1))
	if len(raw) > maxSize {
		refuse(Refusal{Source: s.path, Reason: fmt.Sprintf("the message is larger than %d bytes", maxSize)})
		return nil
	}
	if len(raw) > 0 {
		if err := message(Message{Raw: archive.CRLF(raw), Line: 1}, s.path); err != nil {
			return err
		}
	}
	if err != nil {
		refuse(Refusal{Source: s.path, Reason: "broken off: " + cause(err)})
	}
	return nil
}

func (s source) readMbox(r io.Reader, maxSize int, message func(Message, string) error, refuse func(Refusal)) error {
	mr := NewReader(r, maxSize)
	for {
		m, err := mr.Next()
		var refusal *Refusal
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &refusal):
			refuse(Refusal{Source: s.path + ":" + refusal.Source, Reason: refusal.Reason})
		case err != nil:
			refuse(Refusal{Source: fmt.Sprintf("%s:%d", s.path, mr.line), Reason: "broken off, what was read before is kept: " + cause(err)})
			return nil
		default:
			if err := message(m, fmt.Sprintf("%s:%d", s.path, m.Line)); err != nil {
				return err
			}
		}
	}
}

// counter counts the bytes of files read, for the progress bar.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
