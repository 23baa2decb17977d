package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
)

// Call runs a command in the server that listens on the socket and returns its exit status. ErrNobody when there is
// none. When ctx ends the command in the server is cancelled.
func Call(ctx context.Context, path string, r Request, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	if len(path) > maxPath {
		return 0, ErrNobody // no server can have made it
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return 0, fmt.Errorf("the control socket %s belongs to another user: run this as the user who runs `sangam serve`, or as root", path)
		}
		return 0, ErrNobody
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	request, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	frames := &framing{conn: conn}
	if err := frames.write(kindRequest, request); err != nil {
		return 0, fmt.Errorf("speak to the server: %w", err)
	}
	for {
		kind, payload, err := frames.read()
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err != nil {
			return 0, fmt.Errorf("the server went away before the command was done: see its log, then try again")
		}
		switch kind {
		case kindWant:
			go send(frames, stdin)
		case kindOut:
			_, err = stdout.Write(payload)
		case kindErr:
			_, err = stderr.Write(payload)
		case kindExit:
			if len(payload) == 1 {
				return int(payload[0]), nil
			}
			return 1, nil
		}
		if err != nil {
			return 0, fmt.Errorf("write the output: %w", err)
		}
	}
}

func send(frames *framing, stdin io.Reader) {
	io.Copy(stream{frames, kindInput}, stdin)
	frames.write(kindEnd, nil)
}
