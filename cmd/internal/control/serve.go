package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"
)

// Run runs a command and returns its exit status. The context ends when the caller goes away.
type Run func(ctx context.Context, r Request, stdin io.Reader, stdout, stderr io.Writer) int

// Serve answers callers until the listener is closed, then waits for the commands that run; those end when ctx does.
func Serve(ctx context.Context, l net.Listener, run Run) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		running.Go(func() {
			defer conn.Close()
			answer(ctx, conn, run)
		})
	}
}

func answer(ctx context.Context, conn net.Conn, run Run) {
	frames := &framing{conn: conn}
	kind, payload, err := frames.read()
	var request Request
	if err != nil || kind != kindRequest || json.Unmarshal(payload, &request) != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, feed := io.Pipe()
	defer in.Close()
	go func() {
		defer cancel()
		receive(frames, feed)
	}()
	status := run(ctx, request, &asking{from: in, frames: frames}, stream{frames, kindOut}, stream{frames, kindErr})
	frames.write(kindExit, []byte{byte(status)})
}

// receive takes input until the caller goes away.
func receive(frames *framing, feed *io.PipeWriter) {
	for {
		kind, payload, err := frames.read()
		switch {
		case err != nil:
			feed.CloseWithError(io.ErrUnexpectedEOF)
			return
		case kind == kindInput:
			feed.Write(payload)
		case kind == kindEnd:
			feed.Close()
		}
	}
}

// asking asks the caller for input when it is first read.
type asking struct {
	from   io.Reader
	frames *framing
	once   sync.Once
}

func (a *asking) Read(p []byte) (int, error) {
	a.once.Do(func() { a.frames.write(kindWant, nil) })
	return a.from.Read(p)
}
