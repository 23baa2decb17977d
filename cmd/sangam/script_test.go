package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// noExitSleep keeps the race detector from sleeping a second at the end of every command.
const noExitSleep = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	os.Setenv("GORACE", noExitSleep)
	testscript.Main(m, map[string]func(){"sangam": main})
}

// Each file in testdata is a session of an operator at a shell.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			port, err := freePort()
			if err != nil {
				return err
			}
			e.Setenv("SMTP", port)
			e.Setenv("GORACE", noExitSleep)
			e.Values[serverKey{}] = new(server)
			return os.WriteFile(filepath.Join(e.WorkDir, "config.toml"), fmt.Appendf(nil, configuration, port), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sangam": cmdSangam, "status": cmdStatus, "serve": cmdServe, "stop": cmdStop, "kill": cmdKill, "post": cmdPost,
			"captured": cmdCaptured, "queued": cmdQueued, "mode": cmdMode, "hup": cmdHup,
			"logged": cmdLogged, "damage": cmdDamage,
		},
	})
}

const configuration = `
[smtp]
listen = [%q]
[imap]
listen = []
[web]
listen = []
`

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

type serverKey struct{}

// server is the running `sangam serve` of a script.
type server struct {
	cmd    *exec.Cmd
	stderr lines
}

// lines is what a process writes, read while it writes.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func serverOf(ts *testscript.TestScript) *server { return ts.Value(serverKey{}).(*server) }

func check(ts *testscript.TestScript, err error) {
	if err != nil {
		ts.Fatalf("%v", err)
	}
}

func cmdSangam(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("sangam", args...)
	var exit *exec.ExitError
	switch {
	case neg && (!errors.As(err, &exit) || exit.ExitCode() != 1):
		ts.Fatalf("wanted exit status 1, got %v", err)
	case !neg:
		check(ts, err)
	}
}

// status N sangam ARGS…: the exit status is N.
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("wanted exit status %s, got %v", args[0], err)
	}
}

// serve starts a server and waits until it says that it is ready.
func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	s := serverOf(ts)
	s.cmd = exec.Command("sangam", "serve")
	s.cmd.Dir, s.cmd.Stderr = ts.MkAbs("."), &s.stderr
	for _, name := range []string{"SANGAM_DELIVERY_MODE", "SANGAM_DELIVERY_RELAY", "SANGAM_DKIM_ENABLED", "SANGAM_DNS_SERVERS"} {
		s.cmd.Env = append(s.cmd.Env, name+"="+ts.Getenv(name))
	}
	s.cmd.Env = append(os.Environ(), s.cmd.Env...)
	out, err := s.cmd.StdoutPipe()
	check(ts, err)
	check(ts, s.cmd.Start())
	ts.Defer(func() {
		if s.cmd.ProcessState == nil {
			s.cmd.Process.Kill()
			s.cmd.Wait()
			ts.Logf("the server said:\n%s", s.stderr.String())
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); !strings.HasPrefix(line, "ready: ") {
		s.cmd.Wait()
		ts.Fatalf("serve: %q, %v\n%s", line, err, s.stderr.String())
	}
}

// stop ends the server in order; what it logged is then matched by stderr.
func cmdStop(ts *testscript.TestScript, neg bool, args []string) {
	s := serverOf(ts)
	check(ts, s.cmd.Process.Signal(syscall.SIGTERM))
	check(ts, s.cmd.Wait())
	_, err := io.WriteString(ts.Stderr(), s.stderr.String())
	check(ts, err)
}

func cmdHup(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, serverOf(ts).cmd.Process.Signal(syscall.SIGHUP))
}

// logged TEXT waits until the server has logged it.
func cmdLogged(ts *testscript.TestScript, neg bool, args []string) {
	within(ts, args[0]+" in the log", func() bool { return strings.Contains(serverOf(ts).stderr.String(), args[0]) })
}

func cmdKill(ts *testscript.TestScript, neg bool, args []string) {
	s := serverOf(ts)
	check(ts, s.cmd.Process.Kill())
	s.cmd.Wait()
}

// post FROM TO FILE sends a mail to the server.
func cmdPost(ts *testscript.TestScript, neg bool, args []string) {
	mail := strings.ReplaceAll(ts.ReadFile(args[2]), "\n", "\r\n")
	check(ts, smtp.SendMail(ts.Getenv("SMTP"), nil, args[0], []string{args[1]}, []byte(mail)))
}

func within(ts *testscript.TestScript, what string, ok func() bool) {
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain: %s", what)
		}
	}
}

// captured RECIPIENT N waits for copies.
func cmdCaptured(ts *testscript.TestScript, neg bool, args []string) {
	within(ts, "copies for "+args[0], func() bool {
		files, _ := filepath.Glob(ts.MkAbs(filepath.Join("captured", args[0], "new", "*")))
		return strconv.Itoa(len(files)) == args[1]
	})
}

// queued TEXT waits until the queue shows a text, with ! until it does not.
func cmdQueued(ts *testscript.TestScript, neg bool, args []string) {
	within(ts, args[0]+" in the queue", func() bool {
		cmd := exec.Command("sangam", "queue", "ls")
		cmd.Dir = ts.MkAbs(".")
		out, err := cmd.Output()
		return err == nil && bytes.Contains(out, []byte(args[0])) != neg
	})
}

// mode FILE MODE checks permissions.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	check(ts, err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}

// damage FILE TEXT changes a bit of the text, wherever it is in the file.
func cmdDamage(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	check(ts, err)
	found := false
	for at := bytes.Index(b, []byte(args[1])); at >= 0; at = bytes.Index(b, []byte(args[1])) {
		b[at], found = b[at]^0x20, true
	}
	if !found {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	check(ts, os.WriteFile(path, b, 0o600))
}
