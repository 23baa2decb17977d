package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/notice"
)

// Each file in testdata/dialog is a conversation with the server by mail, over SMTP, with copies in Maildirs. Lines that begin with -- are
// what happens, the lines below belong to it:
//
//	-- asha@x.org to list@y.org     she sends the mail below: fields, an empty line, text
//	-- evil@z.org as asha@x.org to  the same with another envelope sender
//	-- asha@x.org to list@y.org is refused TEXT    the server does not take it, and its answer has the text
//	-- asha@x.org gets              a mail that she did not get yet has every line below, in its fields or its text
//	-- asha@x.org replies           to the mail that she got last
//	-- asha@x.org bounces           the mail that she got last comes back to its return path
//	-- asha@x.org bounces FILE      the same with a report from a file
//	-- asha@x.org follows           the link in the mail that she got last, and presses the button; the page has every line below
//	-- file welcome.txt             a file with the lines below
//	-- clock 8d                     the server starts again, so much later than now
//	-- restart                      the server stops and starts again
//	-- crash                        the server is killed and starts again
//	$ sangam …                      a command, its output has every line below
//
// What is not a step is a remark. Mail that nobody got in the dialog is an error.
func TestDialogs(t *testing.T) {
	files, err := filepath.Glob("testdata/dialog/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogs", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			newDialog(t).run(string(text))
		})
	}
}

type dialog struct {
	t      *testing.T
	dir    string
	smtp   string
	offset string
	server *exec.Cmd
	last   map[string]string // person → the mail that was got last
	got    map[string]bool   // files of mails
	line   int
	ids    int
}

func newDialog(t *testing.T) *dialog {
	d := &dialog{t: t, dir: t.TempDir(), last: map[string]string{}, got: map[string]bool{}}
	web := ""
	for _, at := range []*string{&d.smtp, &web} {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		*at = port
	}
	config := fmt.Sprintf("hostname = \"lists.example.org\"\ndomains = [\"lists.example.org\"]\nadmins = [\"admin@example.org\"]\n"+
		"[smtp]\nlisten = [%q]\ntrusted_authserv_ids = [\"mx.example.org\"]\n[imap]\nlisten = []\n[web]\nlisten = [%q]\nurl = \"http://%s\"\n", d.smtp, web, web)
	if err := os.WriteFile(filepath.Join(d.dir, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *dialog) fail(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf("line %d: %s", d.line, fmt.Sprintf(format, args...))
}

func (d *dialog) start() {
	d.server = startServer(d.t, d.dir, "SANGAM_CLOCK_OFFSET="+d.offset)
}

func (d *dialog) stop() {
	if err := d.server.Process.Signal(syscall.SIGTERM); err != nil {
		d.fail("%v", err)
	}
	if err := d.server.Wait(); err != nil {
		d.fail("serve: %v", err)
	}
}

func (d *dialog) run(text string) {
	d.start()
	lines := strings.Split(text, "\n")
	for at := 0; at < len(lines); {
		d.line = at + 1
		head := lines[at]
		at++
		begins := func(s string) bool {
			return strings.HasPrefix(s, "-- ") || strings.HasPrefix(s, "$ ") || strings.HasPrefix(s, "# ")
		}
		if !begins(head) {
			continue
		}
		end := at
		for end < len(lines) && !begins(lines[end]) {
			end++
		}
		d.step(head, lines[at:end])
		at = end
	}
	d.quiet()
	for file := range d.mails("*") {
		if !d.got[file] {
			b, _ := os.ReadFile(file)
			d.t.Errorf("nobody expected this mail to %s:\n%s", filepath.Base(filepath.Dir(filepath.Dir(file))), readable(string(b)))
		}
	}
	d.stop()
}

func (d *dialog) step(head string, body []string) {
	words := strings.Fields(head)
	switch {
	case words[0] == "#":
	case words[0] == "$":
		cmd := exec.Command("sangam", words[2:]...)
		cmd.Dir = d.dir
		if d.offset != "" {
			cmd.Env = append(os.Environ(), "SANGAM_CLOCK_OFFSET="+d.offset)
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			d.fail("%s: %v\n%s", head, err, out)
		}
		d.has(string(out), body)
	case words[1] == "crash":
		d.settled() // what was sent and not written down yet may be sent again
		d.server.Process.Kill()
		d.server.Wait()
		d.start()
	case words[1] == "restart":
		d.stop()
		d.start()
	case words[1] == "file":
		if err := os.WriteFile(filepath.Join(d.dir, words[2]), []byte(strings.Join(body, "\n")+"\n"), 0o600); err != nil {
			d.fail("%v", err)
		}
	case words[1] == "clock":
		d.quiet()
		d.stop()
		d.offset = words[2]
		d.start()
	case words[2] == "to" && len(words) > 5 && words[5] == "refused":
		err := d.offer(words[1], words[1], words[3], body)
		if want := strings.Join(words[6:], " "); err == nil || !strings.Contains(err.Error(), want) {
			d.fail("%q is not in the answer %v", want, err)
		}
	case words[2] == "to":
		d.send(words[1], words[1], words[3], body)
	case words[2] == "as":
		d.send(words[1], words[3], words[5], body)
	case words[2] == "gets":
		d.gets(words[1], body)
	case words[2] == "replies":
		to := field(d.last[words[1]], "Reply-To")
		if to == "" {
			to = field(d.last[words[1]], "From")
		}
		d.send(words[1], words[1], mailOf(to), append([]string{"In-Reply-To: " + field(d.last[words[1]], "Message-ID")}, body...))
	case words[2] == "bounces":
		d.bounces(words[1], words[3:])
	case words[2] == "follows":
		d.follows(words[1], body)
	default:
		d.fail("no step: %s", head)
	}
}

// send a mail that is taken.
func (d *dialog) send(sender, from, to string, body []string) {
	if err := d.offer(sender, from, to, body); err != nil {
		d.fail("sending to %s: %v", to, err)
	}
}

// offer a mail to the server. A body without fields is text only.
func (d *dialog) offer(sender, from, to string, body []string) error {
	d.ids++
	text := strings.TrimSpace(strings.Join(body, "\n")) + "\n"
	if !regexp.MustCompile(`^[A-Za-z-]+: `).MatchString(text) {
		text = "\n" + text
	}
	if !strings.Contains(text, "\n\n") {
		text += "\n"
	}
	mail := fmt.Sprintf("From: %s\nTo: %s\nDate: %s\nMessage-ID: <%d.dialog@example.org>\n%s", from, to, time.Now().Format(time.RFC1123Z), d.ids, text)
	if sender == "<>" {
		sender = ""
	}
	return smtp.SendMail(d.smtp, nil, sender, []string{to}, []byte(strings.ReplaceAll(mail, "\n", "\r\n")))
}

// gets finds the mail among those that were not read yet, for copies and answers may overtake each other.
func (d *dialog) gets(who string, wants []string) {
	d.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		unread := ""
		for _, file := range slices.Sorted(maps.Keys(d.mails(who))) {
			if d.got[file] {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				d.fail("%v", err)
			}
			text := readable(string(b))
			if missing(text, wants) == "" {
				d.got[file], d.last[who] = true, string(b)
				return
			}
			unread += fmt.Sprintf("%q is not in:\n%s\n", missing(text, wants), text)
		}
		if time.Now().After(deadline) {
			d.fail("%s got no such mail\n%s", who, unread)
		}
	}
}

// missing is the first line that a text has not.
func missing(text string, wants []string) string {
	flat := strings.Join(strings.Fields(text), " ")
	for _, want := range wants {
		if want = strings.Join(strings.Fields(want), " "); !strings.Contains(flat, want) {
			return want
		}
	}
	return ""
}

func (d *dialog) has(text string, wants []string) {
	d.t.Helper()
	if want := missing(text, wants); want != "" {
		d.fail("%q is not in:\n%s", want, text)
	}
}

func (d *dialog) bounces(who string, file []string) {
	report := "Subject: Undelivered mail\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n\n--r\n\nIt failed.\n" +
		"--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; " + who +
		"\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n\n--r--\n"
	if len(file) > 0 {
		b, err := os.ReadFile(filepath.Join("testdata/dialog", file[0]))
		if err != nil {
			d.fail("%v", err)
		}
		report = string(b)
	}
	d.send("<>", "MAILER-DAEMON@example.net", strings.Trim(field(d.last[who], "Return-Path"), "<>"), strings.Split(report, "\n"))
}

var link = regexp.MustCompile(`http://\S+/c/[a-z0-9]+`)

func (d *dialog) follows(who string, wants []string) {
	page := link.FindString(readable(d.last[who]))
	for _, method := range []string{"GET", "POST"} {
		r, err := http.NewRequest(method, page, nil)
		if err != nil {
			d.fail("%v", err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			d.fail("%s %s: %v %v", method, page, resp, err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			d.fail("%v", err)
		}
		if method == "POST" {
			d.has(string(b), wants)
		}
	}
}

// quiet waits until nothing is on its way.
func (d *dialog) quiet() {
	poll(d.t, "an empty queue", func() bool {
		cmd := exec.Command("sangam", "queue", "ls", "--json")
		cmd.Dir = d.dir
		out, err := cmd.Output()
		return err == nil && strings.TrimSpace(string(out)) == "[]"
	})
}

// settled waits until nothing but posts to lists on hold is in the queue.
func (d *dialog) settled() {
	poll(d.t, "a queue in which only lists on hold wait", func() bool {
		cmd := exec.Command("sangam", "queue", "ls", "--json")
		cmd.Dir = d.dir
		out, err := cmd.Output()
		return err == nil && strings.Count(string(out), `"last_answer"`) == strings.Count(string(out), "on hold")
	})
}

// mails that were captured for somebody.
func (d *dialog) mails(who string) map[string]bool {
	files, err := filepath.Glob(filepath.Join(d.dir, "captured", who, "new", "*"))
	if err != nil {
		d.fail("%v", err)
	}
	found := map[string]bool{}
	for _, f := range files {
		found[f] = true
	}
	return found
}

func field(mail, name string) string { return archive.ParseHeader([]byte(mail)).Text(name) }

func mailOf(mailbox string) string {
	if _, rest, ok := strings.Cut(mailbox, "<"); ok {
		return strings.TrimRight(rest, "> ")
	}
	return mailbox
}

// readable is what a person sees: decoded fields, the text, and what is attached.
func readable(mail string) string {
	raw := []byte(mail)
	h := archive.ParseHeader(raw)
	var b strings.Builder
	for _, name := range []string{"From", "To", "Reply-To", "Subject", "In-Reply-To", "Auto-Submitted", "Return-Path", "List-Id", "Content-Type"} {
		if v := h.Text(name); v != "" {
			b.WriteString(name + ": " + v + "\n")
		}
	}
	body := archive.Read(raw)
	text := body.Text
	if body.Flowed {
		text = archive.Unflow(text, body.DelSp)
	}
	b.WriteString("\n" + text + "\n")
	parts := []*archive.Part{archive.Parse(raw)}
	for len(parts) > 0 { // messages within
		p := parts[0]
		parts = append(slices.Clone(p.Parts), parts[1:]...)
		if p.Message != nil {
			b.WriteString("\nattached:\n" + readable(string(raw[p.BodyStart:p.End])))
		} else if p.Filename() != "" {
			b.WriteString("\nattached: " + p.Filename() + "\n")
		}
	}
	return b.String()
}

// The dialog of a list's own texts shows each of them on its way.
func TestDialogOfTextsHasThemAll(t *testing.T) {
	b, err := os.ReadFile("testdata/dialog/texts.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range notice.Names() {
		if name == "delayed" { // nothing waits where copies are captured
			continue
		}
		if !strings.Contains(string(b), "\nSubject: Our own "+name+" of HepLink\n") {
			t.Errorf("nobody gets the text %s", name)
		}
	}
}
