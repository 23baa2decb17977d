// Package dnstest is a name server for tests: it answers from a table, over UDP and TCP.
package dnstest

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// Zone maps "TYPE name" to values: "MX example.org" to "10 mx.example.org", "A mx.example.org" to "127.0.0.1", and so on for AAAA, TXT and
// CNAME. A value "SERVFAIL" is that answer, "silence" is none. A name with any record exists; other names do not.
type Zone map[string][]string

// Server answers on loopback.
type Server struct {
	mu   sync.Mutex
	zone Zone
	udp  net.PacketConn
	tcp  net.Listener
}

// Start answers on a free port of 127.0.0.1.
func Start(z Zone) (*Server, error) {
	for {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		if err != nil { // taken by somebody else: another port
			tcp.Close()
			continue
		}
		s := &Server{zone: z, udp: udp, tcp: tcp}
		go s.serveUDP()
		go s.serveTCP()
		return s, nil
	}
}

// Addr is host:port.
func (s *Server) Addr() string { return s.tcp.Addr().String() }

// Set changes the values of one key.
func (s *Server) Set(key string, values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone := Zone{}
	for k, v := range s.zone {
		zone[k] = v
	}
	zone[key] = values
	s.zone = zone
}

// Get returns the values of one key.
func (s *Server) Get(key string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.zone[key]
}

// Close ends it.
func (s *Server) Close() {
	s.udp.Close()
	s.tcp.Close()
}

func (s *Server) serveUDP() {
	b := make([]byte, 4096)
	for {
		n, from, err := s.udp.ReadFrom(b)
		if err != nil {
			return
		}
		if reply := s.answer(b[:n]); reply != nil {
			if len(reply) > 1200 {
				reply = truncated(reply)
			}
			s.udp.WriteTo(reply, from)
		}
	}
}

// truncated is an answer without its records, which says to ask by TCP.
func truncated(reply []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(reply) != nil {
		return nil
	}
	m.Truncated, m.Answers = true, nil
	short, err := m.Pack()
	if err != nil {
		return nil
	}
	return short
}

func (s *Server) serveTCP() {
	for {
		c, err := s.tcp.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(c, size[:]); err != nil {
					return
				}
				b := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(c, b); err != nil {
					return
				}
				reply := s.answer(b)
				if reply == nil {
					return
				}
				c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
			}
		}()
	}
}

// answer to one message; nil: silence.
func (s *Server) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	s.mu.Lock()
	zone := s.zone
	s.mu.Unlock()
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	m.Response, m.RecursionAvailable, m.Answers, m.Additionals = true, true, nil, nil
	kind := strings.TrimPrefix(q.Type.String(), "Type")
	values, ok := zone[kind+" "+name]
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
		for k := range zone {
			if _, n, _ := strings.Cut(k, " "); n == name || strings.HasSuffix(n, "."+name) {
				m.RCode = dnsmessage.RCodeSuccess
			}
		}
	}
	for _, v := range values {
		switch v {
		case "silence":
			return nil
		case "SERVFAIL":
			m.RCode = dnsmessage.RCodeServerFailure
		default:
			if body := resource(kind, v); body != nil {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: body})
			}
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}

func resource(kind, value string) dnsmessage.ResourceBody {
	host := func(s string) dnsmessage.Name { return dnsmessage.MustNewName(strings.TrimSuffix(s, ".") + ".") }
	switch kind {
	case "A":
		return &dnsmessage.AResource{A: netip.MustParseAddr(value).As4()}
	case "AAAA":
		return &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(value).As16()}
	case "CNAME":
		return &dnsmessage.CNAMEResource{CNAME: host(value)}
	case "PTR":
		return &dnsmessage.PTRResource{PTR: host(value)}
	case "TXT":
		var parts []string
		for len(value) > 255 {
			parts, value = append(parts, value[:255]), value[255:]
		}
		return &dnsmessage.TXTResource{TXT: append(parts, value)}
	case "MX":
		pref, name, _ := strings.Cut(value, " ")
		n := uint16(0)
		for _, c := range pref {
			n = n*10 + uint16(c-'0')
		}
		return &dnsmessage.MXResource{Pref: n, MX: host(name)}
	}
	return nil
}
