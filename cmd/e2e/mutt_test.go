//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A member reads a thread in mutt, marks a post, and finds the mark again.
func TestMuttReadsAThread(t *testing.T) {
	s := start(t, "")
	s.sangam("list", "create", "heplink", "--owner", "asha@example.org")
	s.sangam("archive", "import", "heplink", s.write("old.mbox", conversation))
	s.run("secret\n", binary, "password", "asha@example.org", "--stdin")
	rc := s.write("muttrc", fmt.Sprintf(`set folder = "imap://%[1]s/"
set spoolfile = "imap://%[1]s/heplink"
set imap_user = "asha@example.org" imap_pass = "secret" imap_authenticators = "login"
set ssl_starttls = no ssl_force_tls = no
set sort = threads mail_check = 1 timeout = 1 imap_check_subscribed = no
set charset = "utf-8" pager_stop = yes
unset wait_key mark_old confirmappend
`, s.imap))
	m := openTerminal(s, "mutt", "-F", rc)
	m.shows("Cold chain in the monsoon")
	m.shows("Msgs:3")
	m.keys("1", "Enter", "Enter") // jump to the first post, open it
	m.shows("Which box keeps its temperature")
	m.keys("j")
	m.shows("हमारे")
	m.keys("q", "1", "Enter", "F", "$") // back, flag the first, synchronise
	s.until("the flag is in the store", func() bool { return strings.Contains(m.screen(), "Flag:1") || strings.Contains(m.screen(), "! ") })
	m.keys("q")
	m.gone()

	again := openTerminal(s, "mutt", "-F", rc)
	again.shows("Flag:1")
	again.keys("q")
	again.gone()
}

// terminal is a program in tmux.
type terminal struct {
	s            *site
	socket, name string
}

func openTerminal(s *site, program string, args ...string) *terminal {
	s.t.Helper()
	m := &terminal{s: s, socket: filepath.Join(s.dir, "tmux"), name: "t"}
	s.run("", "tmux", append([]string{"-S", m.socket, "-u", "new-session", "-d", "-s", m.name, "-x", "110", "-y", "40", program}, args...)...)
	s.t.Cleanup(func() { exec.Command("tmux", "-S", m.socket, "kill-server").Run() })
	return m
}

func (m *terminal) keys(keys ...string) {
	m.s.t.Helper()
	for _, k := range keys {
		m.s.run("", "tmux", "-S", m.socket, "send-keys", "-t", m.name, k)
	}
}

func (m *terminal) screen() string {
	out, _ := exec.Command("tmux", "-S", m.socket, "capture-pane", "-p", "-t", m.name).Output()
	return string(out)
}

func (m *terminal) shows(text string) {
	m.s.t.Helper()
	defer func() {
		if m.s.t.Failed() {
			m.s.t.Logf("the screen:\n%s", m.screen())
		}
	}()
	m.s.until("the screen shows "+text, func() bool { return strings.Contains(m.screen(), text) })
}

// gone waits until the program has ended.
func (m *terminal) gone() {
	m.s.t.Helper()
	m.s.until("the program has ended", func() bool {
		return exec.Command("tmux", "-S", m.socket, "has-session", "-t", m.name).Run() != nil
	})
}
