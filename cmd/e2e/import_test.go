//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"wesouthasians.org/sangam/archive/mbox"
)

// The collections of real mail are imported, read whole with mbsync, and are byte for byte what the source holds.
func TestRealMailComesBackThroughMbsync(t *testing.T) {
	s := start(t, "")
	collections := map[string][]string{
		"blinux":    shared(t, "lists/blinux-list.mbox.gz"),
		"openwrt":   shared(t, "lists/openwrt-devel.mbox.gz"),
		"pipermail": shared(t, "lists/pipermail/*.txt.gz"),
	}
	imported := map[string]int{}
	sources := map[string]map[string]int{}
	for name, files := range collections {
		s.sangam("list", "create", name, "--owner", "asha@example.org")
		var result mbox.Result
		if err := json.Unmarshal([]byte(s.sangam(append([]string{"archive", "import", name, "--json"}, files...)...)), &result); err != nil {
			t.Fatal(err)
		}
		source, total := readSource(t, files)
		t.Logf("%s: %d messages, imported %d, duplicates %d, refused %d", name, total, result.Imported, result.Duplicates, len(result.Refused))
		for _, r := range result.Refused {
			t.Logf("refused %s: %s", r.Source, r.Reason)
		}
		if result.Imported+result.Duplicates != total || len(result.Refused) > 0 {
			t.Errorf("%s: of %d messages %d are imported, %d duplicates, %d refused", name, total, result.Imported, result.Duplicates, len(result.Refused))
		}
		imported[name], sources[name] = result.Imported, source
	}
	s.run("secret\n", binary, "password", "asha@example.org", "--stdin")
	_, port, _ := net.SplitHostPort(s.imap)
	mail := filepath.Join(s.dir, "mail")
	rc := s.write("mbsyncrc", fmt.Sprintf(`IMAPAccount sangam
Host 127.0.0.1
Port %s
User asha@example.org
Pass secret
SSLType None
AuthMechs LOGIN

IMAPStore far
Account sangam

MaildirStore near
Path %s/
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns * !INBOX !*/*
Create Near
Sync Pull
SyncState *
`, port, mail))
	if err := os.MkdirAll(mail, 0o700); err != nil {
		t.Fatal(err)
	}
	s.run("", "mbsync", "-c", rc, "-a")
	first := files(t, mail)
	s.run("", "mbsync", "-c", rc, "-a")
	if second := files(t, mail); !slices.Equal(first, second) {
		t.Errorf("the second run leaves %d files where the first left %d", len(second), len(first))
	}
	for name := range collections {
		fetch(t, s, name, imported[name], sources[name])
		compare(t, name, filepath.Join(mail, name), imported[name], sources[name])
	}
}

// files below a folder with the times they were written.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		stat, err := d.Info()
		names = append(names, fmt.Sprint(path, " ", stat.ModTime()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// readSource counts the messages of files by their content as IMAP gives it: CRLF, and 0x80 for NUL (RFC 9051 section 4.3).
func readSource(t *testing.T, files []string) (source map[string]int, total int) {
	t.Helper()
	source = map[string]int{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		r := mbox.NewReader(z, 0)
		for {
			m, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			source[string(bytes.ReplaceAll(m.Raw, []byte{0}, []byte{0x80}))]++
			total++
		}
	}
	return source, total
}

// local is the form in which mbsync keeps a message: it takes every CR away, not only those before LF.
func local(wire string) string { return strings.ReplaceAll(wire, "\r", "") }

// fetch compares a whole mailbox, read by FETCH, with the source, to the byte.
func fetch(t *testing.T, s *site, name string, imported int, source map[string]int) {
	t.Helper()
	c, err := imapclient.DialInsecure(s.imap, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login("asha@example.org", "secret").Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Select(name, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Fatal(err)
	}
	whole := &imap.FetchItemBodySection{Peek: true}
	all := imap.SeqSet{{Start: 1, Stop: 0}}
	messages := c.Fetch(all, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{whole}})
	n := 0
	for {
		m := messages.Next()
		if m == nil {
			break
		}
		b, err := m.Collect()
		if err != nil {
			t.Fatal(err)
		}
		n++
		if text := string(b.FindBodySection(whole)); source[text] == 0 {
			t.Errorf("%s: message %d is not in the source:\n%.600q", name, n, text)
		}
	}
	if err := messages.Close(); err != nil {
		t.Fatal(err)
	}
	if n != imported {
		t.Errorf("%s: FETCH gave %d messages of %d", name, n, imported)
	}
}

// tuid is a field that mbsync adds to what it writes, in whose value there is nothing of ours.
var tuid = regexp.MustCompile(`(?m)^X-TUID: .{12}\n`)

func compare(t *testing.T, name, maildir string, imported int, source map[string]int) {
	t.Helper()
	n, strange := 0, 0
	wanted := map[string]int{}
	for text, count := range source {
		wanted[local(text)] += count
	}
	for _, sub := range []string{"new", "cur"} {
		files, err := os.ReadDir(filepath.Join(maildir, sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(filepath.Join(maildir, sub, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			n++
			text := tuid.ReplaceAllString(string(raw), "")
			if wanted[text] == 0 {
				if strange++; strange <= 3 {
					t.Errorf("%s: %s is not in the source:\n%.600q", name, f.Name(), text)
				}
				continue
			}
			wanted[text]--
		}
	}
	if n != imported {
		t.Errorf("%s: mbsync fetched %d messages of %d", name, n, imported)
	}
	t.Logf("%s: %d messages fetched, %d differ from the source", name, n, strange)
}
