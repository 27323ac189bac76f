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
		return failed(err.Error(), "use the URL that is configured in Looker, such as https://hub.example.com")
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
		return warning(message+", which is not a public address", "a Looker instance in the same network can reach it, but one that Google hosts cannot")
	}
	return ok(message)
}

func (d *Doctor) connection(ctx context.Context) Check {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.hostPort())
	if err != nil {
		return failed("nothing is listening at "+d.hostPort(), "check that the hub is running, and that firewalls allow Looker's addresses")
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
		return failed("the TLS handshake fails: "+err.Error(), "serve TLS 1.2 or later at the hub or at a proxy, and check that this is the HTTPS port")
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
		return warning(message, "renew it: Looker rejects the hub once the certificate has expired")
	}
	if d.options.CAFile != "" {
		return ok(message + " (trusted by " + d.options.CAFile + ": Looker's host must trust this CA too)")
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
				"Looker requires a certificate of a CA that its host trusts; to check with a private CA, set HUB_CA_FILE")
		default:
			return failed("the certificate is issued by "+issuer(last)+", whose certificate the server does not send",
				"configure the server to send the full chain (fullchain.pem), or, for a private CA, set HUB_CA_FILE")
		}
	}
	if advice := looker.CertificateAdvice(err, d.options.CAFile); advice != "" {
		return failed(advice, "configure a certificate that is valid for "+d.base.Hostname())
	}
	return failed("the certificate cannot be used: "+err.Error(), "configure another certificate")
}

func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return c.Issuer.String()
}
