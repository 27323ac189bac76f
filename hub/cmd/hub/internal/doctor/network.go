package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/cmd/hub/internal/looker"
	"integrationhub.dev/hub/outbound"
)

func (d *Doctor) address(context.Context) Check {
	base, err := looker.ParseURL(d.options.URL)
	if err != nil {
		return failed(err.Error(), "use the address that Looker is given, such as https://hub.example.com")
	}
	d.base = base
	if base.Scheme != "https" {
		return failed(base.String()+" is plain HTTP", "Looker requires https: use the URL of the proxy that terminates TLS for the hub")
	}
	return ok(base.String())
}

// hostPort is where the hub listens, by its address.
func (d *Doctor) hostPort() string {
	if d.options.Connect != "" {
		return d.options.Connect
	}
	port := d.base.Port()
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(d.base.Hostname(), port)
}

func (d *Doctor) dns(ctx context.Context) Check {
	host, _, err := net.SplitHostPort(d.hostPort())
	if err != nil {
		return failed(err.Error(), "--connect needs host:port")
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil || len(addrs) == 0 {
		return failed(host+" does not resolve", "add a DNS record for it that points to the hub's load balancer, or correct the address")
	}
	var texts []string
	private := false
	for _, a := range addrs {
		texts = append(texts, a.String())
		ip, _ := netip.AddrFromSlice(a.IP)
		private = private || ip.Unmap().IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
	}
	slices.Sort(texts)
	message := host + " is " + strings.Join(slices.Compact(texts), ", ")
	if private {
		return warning(message+", which is not a public address", "fine for a Looker in the same network; one that Google hosts cannot reach it")
	}
	return ok(message)
}

func (d *Doctor) connection(ctx context.Context) Check {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.hostPort())
	if err != nil {
		return failed("nothing answers at "+d.hostPort(), "check that the hub runs, and that firewalls let Looker's addresses through")
	}
	_ = conn.Close()
	return ok(d.hostPort() + " accepts connections")
}

// expiresSoon is when a certificate should have been renewed: cert-manager does so a month before.
const expiresSoon = 14 * 24 * time.Hour

func (d *Doctor) certificate(ctx context.Context) Check {
	roots, err := outbound.LoadRoots(d.options.CAFile)
	if err != nil {
		return failed(err.Error(), "set HUB_CA_FILE to a PEM file that exists, or unset it")
	}
	// The chain is verified below: a connection that fails would not show it.
	dialer := tls.Dialer{Config: &tls.Config{
		ServerName: d.base.Hostname(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, //nolint:gosec // the certificate is checked below
	}}
	conn, err := dialer.DialContext(ctx, "tcp", d.hostPort())
	if err != nil {
		return failed("the TLS handshake fails: "+err.Error(), "TLS 1.2 or later must end at the hub or before it; is this its https port?")
	}
	tlsConn, _ := conn.(*tls.Conn) // as tls.Dialer documents
	chain := tlsConn.ConnectionState().PeerCertificates
	_ = conn.Close()
	leaf, between := chain[0], x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: d.base.Hostname(), Roots: roots, Intermediates: between, CurrentTime: d.now()})
	if err != nil {
		return d.badChain(err, chain)
	}
	left := leaf.NotAfter.Sub(d.now())
	message := fmt.Sprintf("issued by %s, valid until %s", issuer(leaf), leaf.NotAfter.UTC().Format(time.DateOnly))
	if left < expiresSoon && leaf.NotAfter.Sub(leaf.NotBefore) > 2*expiresSoon {
		return warning(message, "renew it: Looker refuses the hub when it has expired")
	}
	if d.options.CAFile != "" {
		return ok(message + " (trusted by " + d.options.CAFile + ": Looker's host must trust that authority too)")
	}
	return ok(message)
}

// badChain says what is wrong with a certificate.
func (d *Doctor) badChain(err error, chain []*x509.Certificate) Check {
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		last := chain[len(chain)-1]
		switch {
		case string(last.RawIssuer) == string(last.RawSubject):
			return failed("the certificate is issued by "+issuer(chain[0])+", which this machine does not trust",
				"Looker needs a certificate of an authority that its host trusts; to check with a private one, set HUB_CA_FILE")
		default:
			return failed("the certificate is issued by "+issuer(last)+", whose own certificate the server does not send",
				"have the server send the whole chain (fullchain.pem), or, for a private authority, set HUB_CA_FILE")
		}
	}
	if advice := looker.CertificateAdvice(err, d.options.CAFile); advice != "" {
		return failed(advice, "give the hub a certificate that is valid for "+d.base.Hostname())
	}
	return failed("the certificate cannot be used: "+err.Error(), "give the hub another one")
}

func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return c.Issuer.String()
}
