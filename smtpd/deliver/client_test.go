package deliver

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// remote plays an SMTP server that gives the answers of a script, one for each command after EHLO and one for each final
// dot. "-" closes; nil takes everything.
func remote(t *testing.T, ehlo string, script []string) *client {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close() })
	go func() {
		defer there.Close()
		there.Write([]byte("220 hello\r\n"))
		in := make(chan string, 100)
		go func() {
			defer close(in)
			r := bufio.NewReader(there)
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				in <- strings.TrimSpace(line)
			}
		}()
		inData := false
		for line := range in {
			switch {
			case inData && line != ".":
				continue
			case strings.HasPrefix(line, "EHLO"):
				there.Write([]byte(ehlo))
				continue
			case line == "RSET":
				there.Write([]byte("250 ok\r\n"))
				continue
			}
			inData = false
			if script == nil {
				answer := "250 ok"
				switch {
				case line == "DATA":
					answer, inData = "354 go on", true
				case strings.HasPrefix(line, "Subject:"), line == "":
					continue
				}
				there.Write([]byte(answer + "\r\n"))
				continue
			}
			if len(script) == 0 || script[0] == "-" {
				return
			}
			inData = line == "DATA" && strings.HasPrefix(script[0], "354")
			there.Write([]byte(script[0] + "\r\n"))
			script = script[1:]
		}
	}()
	c, err := newClient(here)
	if err == nil {
		err = c.hello("here.example.org")
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnswersAreMatched(t *testing.T) {
	const pipelining, plain = "250-there\r\n250 PIPELINING\r\n", "250 there\r\n"
	cases := []struct {
		name, ehlo string
		script     []string
		want       []Kind // of the copies whose fate was told
		broken     bool
	}{
		{"all taken", pipelining, []string{"250", "250", "354", "250", "250", "250", "354", "250"}, []Kind{Delivered, Delivered}, false},
		{"recipient refused", pipelining, []string{"250", "550 no", "503", "250", "250", "354", "250"}, []Kind{Failed, Delivered}, false},
		{"recipient refused, and a message to nobody wanted", pipelining, []string{"250", "451", "354", "554", "250", "250", "354", "250"}, []Kind{Deferred, Delivered}, false},
		{"message to nobody taken", pipelining, []string{"250", "550", "354", "250", "250", "250", "354", "250"}, []Kind{Failed, Delivered}, false},
		{"message refused, the next is written", pipelining, []string{"250", "250", "354", "452 full", "250", "250", "354", "250"}, []Kind{Deferred, Delivered}, false},
		{"DATA answered as if done", pipelining, []string{"250", "250", "250"}, nil, true},
		{"the end answered as if begun", pipelining, []string{"250", "250", "354", "354"}, nil, true},
		{"closed before the last answer", pipelining, []string{"250", "250", "354", "-"}, nil, true},
		{"421 instead of the last answer", pipelining, []string{"250", "250", "354", "421 bye"}, nil, true},
		{"closed after the first copy", pipelining, []string{"250", "250", "354", "250", "-"}, []Kind{Delivered}, true},
		{"nonsense", pipelining, []string{"250", "fine", "354"}, nil, true},
		{"many lines", pipelining, []string{"250-a\r\n250 b", "250", "354", "250-a\r\n250 b", "250", "250", "354", "250"}, []Kind{Delivered, Delivered}, false},
		{"login wanted", pipelining, []string{"530 5.7.0 login", "503", "503", "250", "250", "354", "250"}, []Kind{Down, Delivered}, false},
		{"without pipelining", plain, []string{"250", "250", "354", "250", "250", "550", "250", "250"}, []Kind{Delivered, Failed}, false},
		{"without pipelining, DATA answered as if done", plain, []string{"250", "250", "250"}, nil, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			content := newContent([]byte("Subject: x\r\n\r\n.\r\nhello\r\n"))
			copies := []Copy{{From: "a@example.org", To: "b@example.org", Content: content, Head: noHead}, {From: "a@example.org", To: "c@example.org", Content: content, Head: noHead}}
			var got []Kind
			n, err := remote(t, c.ehlo, c.script).deliver(copies, func(i int, r Result) {
				if i != len(got) {
					t.Errorf("copy %d told in place %d", i, len(got))
				}
				got = append(got, r.Kind)
			})
			if n != len(got) || len(got) != len(c.want) || (err != nil) != c.broken {
				t.Fatalf("got %v, %d, %v; want %v", got, n, err, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("got %v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestNoASCIIWithoutSMTPUTF8(t *testing.T) {
	var got Result
	content := newContent([]byte("Subject: x\r\n\r\n"))
	_, err := remote(t, "250 there\r\n", []string{}).deliver([]Copy{{To: "आशा@example.org", Content: content, Head: noHead}}, func(_ int, r Result) { got = r })
	if err != nil || got.Kind != Failed || !strings.Contains(got.Answer, "ASCII") {
		t.Errorf("%v %v", got, err)
	}
}

func TestWire(t *testing.T) {
	for in, want := range map[string]string{
		"":                                       "\r\n.\r\n",
		".\r\n":                                  "..\r\n.\r\n",
		"a\r\n.b\r\n":                            "a\r\n..b\r\n.\r\n",
		"a\n.\nb\r\n":                            "a\r\n..\r\nb\r\n.\r\n",
		"a\r.\rb\r\n":                            "a",
		"no end":                                 "no end\r\n.\r\n",
		"x" + strings.Repeat("y", 2000) + "\r\n": "x" + strings.Repeat("y", 2000) + "\r\n.\r\n",
	} {
		got := string(newContent(sendable([]byte(in))).Wire())
		if !strings.HasPrefix(got, want) || strings.Count(got, "\r\n.\r\n") > 1 || !strings.HasSuffix("\r\n"+got, "\r\n.\r\n") {
			t.Errorf("%.40q becomes %.60q", in, got)
		}
	}
}

func TestSilentRelayDoesNotKeepUsFromStopping(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wrote := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("220 hi\r\n"))
			b := make([]byte, 100)
			c.Read(b)
			c.Write([]byte("250 PIPELINING\r\n"))
			c.Read(b)
			wrote <- c
		}
	}()
	r, err := NewRelay(RelayOptions{URL: "smtp://" + l.Addr().String(), Hostname: "here.example.org", Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(context.Background())
	told := make(chan Result)
	go r.Deliver(ctx, []Copy{{From: "a@example.org", To: "b@example.org", Content: newContent(nil), Head: noHead}}, func(_ int, res Result) { told <- res })
	c := <-wrote
	defer c.Close()
	cancel()
	select {
	case res := <-told:
		if res.Kind != Down && res.Kind != Deferred {
			t.Errorf("told %v", res)
		}
	case <-time.After(5 * time.Second):
		t.Error("still waiting")
	}
}

func noHead() ([]byte, error) { return nil, nil }

// A remote that is slow holds a connection only for a while, wherever among the copies of a task it is.
func TestTurnEndsInTime(t *testing.T) {
	for _, ehlo := range []string{"250-there\r\n250 PIPELINING\r\n", "250 there\r\n", "250-there\r\n250-CHUNKING\r\n250 PIPELINING\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			c := remote(t, ehlo, nil)
			content := newContent([]byte("Subject: x\r\n\r\n"))
			slow := func() ([]byte, error) { time.Sleep(2 * time.Second); return nil, nil }
			copies := make([]Copy, 10)
			for i := range copies {
				copies[i] = Copy{From: "a@example.org", To: "b@example.org", Content: content, Head: slow}
			}
			began := time.Now()
			told := 0
			n, err := c.deliver(copies, func(int, Result) { told++ })
			if err != nil || n != told || n == 0 || n > 3 || time.Since(began) > 15*time.Second {
				t.Errorf("%q: %d copies, %d told, in %s: %v", ehlo, n, told, time.Since(began), err)
			}
			n, err = c.deliver(copies[n:n+1], func(int, Result) { told++ })
			if n != 1 || err != nil {
				t.Errorf("%q: the session is not in step: %d, %v", ehlo, n, err)
			}
		})
	}
}
