package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashRounds is how often the server is killed.
var crashRounds = 4

// Whatever moment the server is killed at: a post that was answered 250 is archived once and reaches every member.
func TestKilledServerLosesNothing(t *testing.T) {
	dir := t.TempDir()
	at, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), fmt.Appendf(nil, configuration, at), 0o600); err != nil {
		t.Fatal(err)
	}
	members := []string{"asha@example.org", "ravi@example.org", "claire@example.org", "tenzin@example.org"}
	run(t, dir, "list", "create", "heplink")
	for _, m := range members {
		run(t, dir, "member", "add", "heplink", m)
	}

	posters := &posters{at: at, acknowledged: map[string]bool{}}
	posters.start(6)
	for range crashRounds {
		before := posters.count()
		server := startServer(t, dir)
		poll(t, "posts are taken", func() bool { return posters.count() > before })
		time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond) // a random moment of the work
		server.Process.Kill()
		server.Wait()
	}
	posters.stop()
	server := startServer(t, dir)
	poll(t, "the queue is empty", func() bool { return strings.TrimSpace(run(t, dir, "queue", "ls", "--json")) == "[]" })
	server.Process.Signal(os.Interrupt)
	if err := server.Wait(); err != nil {
		t.Error(err)
	}

	archived := count(run(t, dir, "archive", "export", "heplink"))
	t.Logf("%d posts were answered 250, %d are archived, after %d kills", len(posters.acknowledged), len(archived), crashRounds)
	for id := range posters.acknowledged {
		if archived[id] == 0 {
			t.Errorf("%s was answered 250 and is not archived", id)
		}
	}
	for id, n := range archived {
		if n > 1 {
			t.Errorf("%s is archived %d times", id, n)
		}
	}
	for _, m := range members {
		files, err := filepath.Glob(filepath.Join(dir, "captured", m, "new", "*"))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for id := range count(string(text)) {
				got[id]++
			}
		}
		for id := range archived {
			if got[id] == 0 {
				t.Errorf("%s is archived and did not reach %s", id, m)
			}
		}
	}
	var lists []map[string]any
	if err := json.Unmarshal([]byte(run(t, dir, "list", "ls", "--json")), &lists); err != nil || int(lists[0]["posts"].(float64)) != len(archived) {
		t.Errorf("the list counts %v posts, %d are archived: %v", lists, len(archived), err)
	}
}

var messageID = regexp.MustCompile(`(?mi)^message-id: <([^>]*)>`)

// count tells how often each Message-ID occurs.
func count(text string) map[string]int {
	n := map[string]int{}
	for _, m := range messageID.FindAllStringSubmatch(text, -1) {
		n[m[1]]++
	}
	return n
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("sangam", args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sangam %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

func startServer(t *testing.T, dir string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sangam", "serve")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
		if t.Failed() {
			t.Logf("a server said:\n%s", errs.Bytes()[max(0, errs.Len()-5000):])
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); !strings.HasPrefix(line, "ready: ") {
		cmd.Wait()
		t.Fatalf("serve: %q, %v\n%s", line, err, errs.String())
	}
	return cmd
}

func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// posters are clients that post all the time, and come again when the server is gone.
type posters struct {
	at      string
	running sync.WaitGroup
	halt    chan struct{}

	mu           sync.Mutex
	acknowledged map[string]bool
}

func (p *posters) start(n int) {
	p.halt = make(chan struct{})
	for i := range n {
		p.running.Go(func() {
			for k := 0; ; k++ {
				p.session(fmt.Sprintf("c%d.s%d", i, k))
				select {
				case <-p.halt:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		})
	}
}

func (p *posters) stop() { close(p.halt); p.running.Wait() }

func (p *posters) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acknowledged)
}

// session posts until the connection breaks.
func (p *posters) session(name string) {
	conn, err := net.DialTimeout("tcp", p.at, time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	client, err := smtp.NewClient(conn, "client.example.org")
	if err != nil {
		return
	}
	for k := 0; k < 50; k++ {
		id := fmt.Sprintf("%s.%d@example.org", name, k)
		if err := post(client.Text, id); err != nil {
			return
		}
		p.mu.Lock()
		p.acknowledged[id] = true
		p.mu.Unlock()
		select {
		case <-p.halt:
			client.Quit()
			return
		default:
		}
	}
}

func post(c *textproto.Conn, id string) error {
	for _, step := range []struct {
		line string
		code int
	}{
		{"EHLO client.example.org", 250}, {"MAIL FROM:<asha@example.org>", 250}, {"RCPT TO:<heplink@lists.example.org>", 250}, {"DATA", 354},
		{"From: Asha <asha@example.org>\r\nTo: heplink@lists.example.org\r\nSubject: Post " + id + "\r\nMessage-ID: <" + id + ">\r\n\r\nText of " + id + "\r\n.", 250},
	} {
		if err := c.PrintfLine("%s", step.line); err != nil {
			return err
		}
		if _, _, err := c.ReadResponse(step.code); err != nil {
			return err
		}
	}
	return nil
}
