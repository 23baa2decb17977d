// Package config reads config.toml: every key with its default, the environment's overrides, and all mistakes at once.
//
// The commands of cmd/sangam call Find and Load; package app is wired from the Config they return. A Config that was
// returned without error is complete and consistent: names are A-labels, paths absolute, addresses parse.
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// Example is the text of config.example.toml: each key with its default and a comment.
//
//go:embed config.toml
var Example string

// Config is the whole configuration. The toml tags are the names of the keys.
type Config struct {
	File string `toml:"-"` // where it was read from

	Hostname string   `toml:"hostname"`
	Domains  []string `toml:"domains"`
	Data     string   `toml:"data"`
	Admins   []string `toml:"admins"`

	SMTP     SMTP     `toml:"smtp"`
	IMAP     IMAP     `toml:"imap"`
	Web      Web      `toml:"web"`
	TLS      TLS      `toml:"tls"`
	Delivery Delivery `toml:"delivery"`
	DNS      DNS      `toml:"dns"`
	DKIM     DKIM     `toml:"dkim"`
	Content  Content  `toml:"content_check"`
	Log      Log      `toml:"log"`
	Metrics  Metrics  `toml:"metrics"`
}

// SMTP is the table [smtp].
type SMTP struct {
	Listen             []string `toml:"listen"`
	LMTPListen         []string `toml:"lmtp_listen"`
	MaxMessageSize     Size     `toml:"max_message_size"`
	MaxConnections     int      `toml:"max_connections"`
	TrustedNetworks    []string `toml:"trusted_networks"`
	TrustedAuthservIDs []string `toml:"trusted_authserv_ids"`
	TrustedARCSealers  []string `toml:"trusted_arc_sealers"`
	DNSBL              []string `toml:"dnsbl"`
	Greylist           bool     `toml:"greylist"`
	RefuseEarlyTalkers bool     `toml:"refuse_early_talkers"`
}

// IMAP is the table [imap].
type IMAP struct {
	Listen         []string `toml:"listen"`
	TLSListen      []string `toml:"tls_listen"`
	MaxConnections int      `toml:"max_connections"`
	MaxPerAccount  int      `toml:"max_per_account"`
	MaxPerAddress  int      `toml:"max_per_address"`
}

// Web is the table [web].
type Web struct {
	Listen    []string `toml:"listen"`
	TLSListen []string `toml:"tls_listen"`
	URL       string   `toml:"url"` // without a slash at the end
}

// TLS is the table [tls].
type TLS struct {
	Mode          string `toml:"mode"`
	Cert          string `toml:"cert"`
	Key           string `toml:"key"`
	ACMEEmail     string `toml:"acme_email"`
	ACMEDirectory string `toml:"acme_directory"`
}

// Delivery is the table [delivery].
type Delivery struct {
	Mode                 string   `toml:"mode"`
	Relay                string   `toml:"relay"`
	RelayTLS             string   `toml:"relay_tls"`
	CaptureDir           string   `toml:"capture_dir"`
	Connections          int      `toml:"connections"`
	ConnectionsPerDomain int      `toml:"connections_per_domain"`
	RetryFor             Duration `toml:"retry_for"`
	Port                 int      `toml:"port"`
	RequireTLS           []string `toml:"require_tls"`
}

// DNS is the table [dns].
type DNS struct {
	Servers []string `toml:"servers"`
}

// DKIM is the table [dkim].
type DKIM struct {
	Enabled  bool   `toml:"enabled"`
	Selector string `toml:"selector"`
}

// Content is the table [content_check].
type Content struct {
	URL       string   `toml:"url"` // without a slash at the end; empty: none
	Timeout   Duration `toml:"timeout"`
	OnFailure string   `toml:"on_failure"`
}

// Log is the table [log].
type Log struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// Metrics is the table [metrics].
type Metrics struct {
	Listen string `toml:"listen"`
}

// Size is a number of bytes, written "25MB".
type Size int64

// Duration is written "15s" or "3d".
type Duration time.Duration

// Problems are all mistakes of one file, each a line `FILE: key: what is wrong`.
type Problems []string

func (p Problems) Error() string { return strings.Join(p, "\n") }

// ErrNone says that there is no configuration file.
var ErrNone = errors.New("no config.toml here and none in /etc/sangam: make one with `sangam init`, or name one with --config FILE")

// Find returns the file to read: the one named, else ./config.toml below dir, else /etc/sangam/config.toml.
func Find(named, dir string) (string, error) {
	if named != "" {
		if !filepath.IsAbs(named) {
			named = filepath.Join(dir, named)
		}
		return named, nil
	}
	for _, path := range []string{filepath.Join(dir, "config.toml"), "/etc/sangam/config.toml"} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// Load reads a file. getenv is asked for SANGAM_SMTP_LISTEN and the like. Mistakes of the content are Problems.
func Load(path string, getenv func(string) string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, Problems{fmt.Sprintf("%s: there is no such file: make one with `sangam init`, or name another with --config FILE", path)}
		}
		return nil, Problems{fmt.Sprintf("%s: cannot be read: %v", path, err)}
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	return parse(path, string(text), getenv)
}

func parse(path, text string, getenv func(string) string) (*Config, error) {
	c := &Config{}
	r := reader{config: c, file: path, getenv: getenv}
	r.fill(Example, func(string) string { return "" })
	if len(r.problems) > 0 {
		panic(r.problems) // the embedded example is a constant
	}
	c.File = path
	r.fill(text, getenv)
	c.check(r.problem)
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return c, nil
}

// syntax shortens the decoder's message to place and reason.
func syntax(err error) string {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return fmt.Sprintf("line %d: %s", parse.Position.Line, parse.Message)
	}
	return err.Error()
}

// TrustedPrefixes are the trusted networks, parsed.
func (s SMTP) TrustedPrefixes() []netip.Prefix {
	var nets []netip.Prefix
	for _, n := range s.TrustedNetworks {
		if p, err := parseNetwork(n); err == nil {
			nets = append(nets, p)
		}
	}
	return nets
}

func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// Names of folders in the data folder.
const keys, certificates = "dkim", "certificates"

// Store is the file of the store.
func (c *Config) Store() string { return filepath.Join(c.Data, "sangam.db") }

// Search is the folder of the search index.
func (c *Config) Search() string { return filepath.Join(c.Data, "search") }

// Keys is the folder of the DKIM keys.
func (c *Config) Keys() string { return filepath.Join(c.Data, keys) }

// Certificates is the folder of the certificates that an authority issued.
func (c *Config) Certificates() string { return filepath.Join(c.Data, certificates) }

// MTASTS is the folder of the MTA-STS policies of other domains.
func (c *Config) MTASTS() string { return filepath.Join(c.Data, "mta-sts") }

// WebHost is the host of web.url; empty when it is an address or a name of this machine only.
func (c *Config) WebHost() string {
	u, err := url.Parse(c.Web.URL)
	if err != nil || net.ParseIP(u.Hostname()) != nil || !strings.Contains(u.Hostname(), ".") {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// Names of the certificates that this site needs, hostname first: of its mail server, its pages and its MTA-STS policies.
func (c *Config) Names() []string {
	names := []string{c.Hostname}
	if web := c.WebHost(); web != "" && web != c.Hostname {
		names = append(names, web)
	}
	for _, d := range c.Domains {
		if sts := "mta-sts." + d; !slices.Contains(names, sts) {
			names = append(names, sts)
		}
	}
	return names
}

// Kept are the names of the folders in the data folder that cannot be made anew: what a backup holds beside the store.
func Kept() []string { return []string{keys, certificates} }

// Socket is the control socket.
func (c *Config) Socket() string { return filepath.Join(c.Data, "control.sock") }

// path makes a path of the file absolute.
func (c *Config) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(filepath.Dir(c.File), p)
}
