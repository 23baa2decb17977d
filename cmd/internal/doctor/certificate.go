package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"
)

// certificates checks those of this server, whether or not it runs.
func (d *doctor) certificates(context.Context) (fs []Finding) {
	switch d.Config.TLS.Mode {
	case "files":
		return d.files()
	case "acme":
		for _, s := range d.Certificates {
			if s.Trouble != "" {
				fs = append(fs, bad("certificate", s.Name, s.Trouble,
					"Publish the address of %s and let port 80 or 443 there lead to web.listen or web.tls_listen, then send the server SIGHUP.", s.Name))
				continue
			}
			fs = append(fs, good("certificate", s.Name, "until %s, renewed before", s.Until.UTC().Format(time.DateOnly)))
		}
	}
	return fs
}

func (d *doctor) files() (fs []Finding) {
	c := d.Config
	pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
	if err != nil {
		return []Finding{bad("certificate", c.TLS.Cert, err.Error(), "Let tls.cert and tls.key name a certificate chain and its key, PEM, that this user may read.")}
	}
	var chain []*x509.Certificate
	for _, der := range pair.Certificate {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			return []Finding{bad("certificate", c.TLS.Cert, err.Error(), "Let tls.cert name a chain of certificates, PEM.")}
		}
		chain = append(chain, one)
	}
	names := c.Names()
	if len(c.Web.TLSListen) == 0 { // a proxy serves the pages
		names = names[:1]
	}
	for _, name := range names {
		if err := d.valid(chain, name); err != nil {
			fs = append(fs, bad("certificate", name, err.Error(), "%s", d.renewal(name)))
			continue
		}
		fs = append(fs, good("certificate", name, "until %s", chain[0].NotAfter.UTC().Format(time.DateOnly)))
	}
	return fs
}
