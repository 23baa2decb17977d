//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	binary string // the program under test
	root   string // of the repository
)

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sangam-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if root, err = filepath.Abs("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = filepath.Join(dir, "sangam")
	if out, err := exec.Command("go", "build", "-o", binary, "../sangam").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// site is a running server. The addresses are host:port.
type site struct {
	t               *testing.T
	dir             string
	smtp, imap, web string
	server          *exec.Cmd
	log             *os.File
}

// start runs a server in a new folder; more is appended to its configuration, as tables.
func start(t *testing.T, more string) *site {
	t.Helper()
	return startAt(t, "lists.example.org", freePort(t), more)
}

// startAt is start with another domain, and a place where it takes mail.
func startAt(t *testing.T, domain, smtp, more string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), smtp: smtp, imap: freePort(t), web: freePort(t)}
	s.write("config.toml", fmt.Sprintf(`hostname = %q
domains = [%q]
admins = ["admin@example.org"]
[smtp]
listen = [%q]
[imap]
listen = [%q]
[web]
listen = [%q]
url = "http://%s"
%s`, domain, domain, s.smtp, s.imap, s.web, s.web, more))
	s.serve()
	return s
}

// serve starts the server and returns when every port answers.
func (s *site) serve() {
	s.t.Helper()
	log, err := os.Create(filepath.Join(s.dir, fmt.Sprintf("log-%d.txt", time.Now().UnixNano())))
	if err != nil {
		s.t.Fatal(err)
	}
	s.log = log
	s.server = exec.Command(binary, "serve")
	s.server.Dir, s.server.Stdout, s.server.Stderr = s.dir, log, log
	if err := s.server.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.stop)
	for _, at := range []string{s.smtp, s.imap, s.web} {
		s.until("port "+at+" answers", func() bool {
			conn, err := net.DialTimeout("tcp", at, time.Second)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
}

// stop drains the server; nothing when it is stopped already.
func (s *site) stop() {
	if s.server.ProcessState != nil {
		return
	}
	s.server.Process.Signal(syscall.SIGTERM)
	if err := s.server.Wait(); err != nil {
		s.t.Errorf("serve: %v", err)
	}
	if s.t.Failed() {
		text, _ := os.ReadFile(s.log.Name())
		s.t.Logf("the server said:\n%s", text[max(0, len(text)-20_000):])
	}
	s.log.Close()
}

// sangam runs a command of the program and returns what it printed.
func (s *site) sangam(args ...string) string {
	s.t.Helper()
	return s.run("", binary, args...)
}

// run executes a program in the site's folder, with some input, and returns what it printed on standard output.
func (s *site) run(input, name string, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdin = s.dir, strings.NewReader(input)
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "LC_ALL=C.UTF-8")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, errs.Bytes())
	}
	return string(out)
}

// write makes a file in the site's folder and returns its path.
func (s *site) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// read a file of the site's folder.
func (s *site) read(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// until waits for a condition.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(s.log.Name())
			s.t.Fatalf("waited in vain: %s\n%s", what, text)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// shared returns files of the collections beside the repository.
func shared(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "../shared/data", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s in %s: put the collections of mail beside the repository", pattern, filepath.Join(root, "../shared/data"))
	}
	return files
}
