// Package control lets a command act inside the server: the command sends its arguments over the control socket, the
// server runs the same command on its open store and streams the output and the exit status back.
//
// cmd/sangam calls Call first and opens the store itself on ErrNobody; package app calls Serve. The socket has mode
// 0600, so that who may use it is who may read the store.
//
// A connection carries frames: one byte of kind, four of length (big-endian), the payload. The command sends its
// Request; the server sends output, and asks for input when the command reads it, so that a command that does not
// read takes none from the terminal. A command that goes away is cancelled.
package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// Request is one run of a command.
type Request struct {
	Args  []string `json:"args"`
	Dir   string   `json:"dir"`   // relative paths are below it
	Width int      `json:"width"` // of the terminal on standard error; 0: it is none
}

// ErrNobody: no server listens on the socket.
var ErrNobody = errors.New("no server is running")

// Kinds of frames.
const (
	kindRequest byte = 'r' // to the server: JSON
	kindWant    byte = 'w' // from the server: send input
	kindInput   byte = 'i' // to the server
	kindEnd     byte = '.' // to the server: end of input
	kindOut     byte = 'o' // from the server
	kindErr     byte = 'e' // from the server
	kindExit    byte = 'x' // from the server: one byte, the exit status
)

const maxFrame = 1 << 20

// maxPath is what a socket address holds on every system.
const maxPath = 103

// framing writes whole frames, from several goroutines.
type framing struct {
	mu   sync.Mutex
	conn net.Conn
}

func (f *framing) write(kind byte, payload []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := [5]byte{kind}
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	_, err := (&net.Buffers{head[:], payload}).WriteTo(f.conn)
	return err
}

func (f *framing) read() (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(f.conn, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes on the control socket", n)
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(f.conn, payload)
	return head[0], payload, err
}

// stream sends what is written to it as frames of one kind.
type stream struct {
	to   *framing
	kind byte
}

func (s stream) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		part := p[sent:min(len(p), sent+maxFrame)]
		if err := s.to.write(s.kind, part); err != nil {
			return sent, err
		}
		sent += len(part)
	}
	return len(p), nil
}

// Listen makes the socket. One that a dead server left is replaced; a live one is an error.
func Listen(path string) (net.Listener, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("the path of the control socket %s has %d bytes and %d are possible: use a data folder with a shorter path", path, len(path), maxPath)
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("another `sangam serve` uses the data folder of %s: stop it first", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replace the control socket: %w", err)
	}
	// The mask keeps others out from the very moment that the socket exists.
	old := syscall.Umask(0o177)
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("make the control socket: %w", err)
	}
	return l, nil
}
