package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
)

// listen opens host:port or unix:/path. A socket file that no process serves is replaced.
func listen(at string) (net.Listener, error) {
	path, unix := strings.CutPrefix(at, "unix:")
	if !unix {
		l, err := net.Listen("tcp", at)
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w: is another server there, or is the port below 1024?", at, err)
		}
		return l, nil
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("listen on %s: another process serves it: stop that one first", at)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replace %s: %w", at, err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", at, err), l.Close())
	}
	return l, nil
}
