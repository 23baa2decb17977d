package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server serves run on a socket until the test ends.
func server(t *testing.T, run Run) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- Serve(ctx, l, run) }()
	t.Cleanup(func() {
		l.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return path
}

func TestCommandRunsInTheServer(t *testing.T) {
	path := server(t, func(ctx context.Context, r Request, stdin io.Reader, stdout, stderr io.Writer) int {
		text, err := io.ReadAll(stdin)
		fmt.Fprintf(stdout, "%s in %s: %s", strings.Join(r.Args, " "), r.Dir, text)
		fmt.Fprintf(stderr, "width %d, %v", r.Width, err)
		return 7
	})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket has mode %v, %v", info.Mode(), err)
	}
	var out, errs bytes.Buffer
	long := strings.Repeat("x", 3<<20)
	status, err := Call(t.Context(), path, Request{Args: []string{"a", "b"}, Dir: "/d", Width: 80}, strings.NewReader(long), &out, &errs)
	if status != 7 || err != nil {
		t.Fatal(status, err)
	}
	if out.String() != "a b in /d: "+long || errs.String() != "width 80, <nil>" {
		t.Errorf("%d bytes, %q", out.Len(), errs.String())
	}
}

// untouched fails the test when it is read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("input was taken")
	return 0, io.EOF
}

func TestInputIsLeftAloneUnlessRead(t *testing.T) {
	path := server(t, func(context.Context, Request, io.Reader, io.Writer, io.Writer) int { return 0 })
	if status, err := Call(t.Context(), path, Request{}, untouched{t}, io.Discard, io.Discard); status != 0 || err != nil {
		t.Error(status, err)
	}
}

func TestCancelReachesTheServer(t *testing.T) {
	started, ended := make(chan bool), make(chan error, 1)
	path := server(t, func(ctx context.Context, r Request, _ io.Reader, _, _ io.Writer) int {
		close(started)
		<-ctx.Done()
		ended <- ctx.Err()
		return 1
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if _, err := Call(ctx, path, Request{}, strings.NewReader(""), io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNobodyListens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	if _, err := Call(t.Context(), path, Request{}, nil, io.Discard, io.Discard); !errors.Is(err, ErrNobody) {
		t.Error(err)
	}
	// What a killed server leaves behind.
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if _, err := Call(t.Context(), path, Request{}, nil, io.Discard, io.Discard); !errors.Is(err, ErrNobody) {
		t.Error(err)
	}
	l, err = Listen(path)
	if err != nil {
		t.Fatal("a stale socket must be replaced:", err)
	}
	defer l.Close()
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another `sangam serve`") {
		t.Errorf("second server: %v", err)
	}
}

func TestPathTooLong(t *testing.T) {
	if _, err := Listen("/" + strings.Repeat("d", 200)); err == nil || !strings.Contains(err.Error(), "shorter path") {
		t.Error(err)
	}
}

// No bytes on the socket make the server fail or run a command without a request.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("r\x00\x00\x00\x02{}"))
	f.Add([]byte("r\x00\x00\x00\x02{}i\x00\x00\x00\x01a.\x00\x00\x00\x00"))
	f.Add([]byte("x\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		client, server := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			answer(context.Background(), server, func(_ context.Context, r Request, stdin io.Reader, stdout, _ io.Writer) int {
				io.Copy(stdout, stdin)
				return len(r.Args)
			})
			server.Close()
		}()
		go io.Copy(io.Discard, client)
		client.Write(sent)
		client.Close()
		<-done
	})
}
