package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"wesouthasians.org/sangam/cmd/internal/config"
)

// demoMark is the first line of a configuration that the demo may write anew.
const demoMark = "# Made by `sangam demo`, which writes it anew each time.\n"

// configure writes the configuration of the demo.
func (d *demo) configure() (*config.Config, error) {
	file := filepath.Join(d.dir, "config.toml")
	if text, err := os.ReadFile(file); err == nil && !strings.HasPrefix(string(text), demoMark) {
		return nil, fmt.Errorf("%s belongs to a site of yours and was left as it is: name another folder with --dir", file)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	smtp, imap, web := d.port("SMTP", "2525"), d.port("IMAP", "1143"), d.port("the web", "8080")
	text := demoMark + fmt.Sprintf(`hostname = "lists.example.org"
domains = ["lists.example.org"]
admins = [%q]
[smtp]
listen = [%q]
[imap]
listen = [%q]
[web]
listen = [%q]
url = "http://%s"
`, people[0].address, smtp, imap, web, web)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	return config.Load(file, func(string) string { return "" })
}

// port returns where a service listens: the usual port, or a free one.
func (d *demo) port(service, usual string) string {
	at := net.JoinHostPort("127.0.0.1", usual)
	if !d.once {
		if l, err := net.Listen("tcp", at); err == nil {
			l.Close()
			return at
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return at // Listen will say what is wrong
	}
	defer l.Close()
	if !d.once {
		fmt.Fprintf(d.stdout, "%s is taken, so %s is at %s\n", at, service, l.Addr())
	}
	return l.Addr().String()
}
