package looker

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"integrationhub.dev/hub/suggest"
)

// Explain turns a failed call into what to do about it.
func (c *Client) Explain(err error) error {
	// The URL repeats what the user typed; what went wrong is inside.
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if advice := CertificateAdvice(err, c.opts.CAFile); advice != "" {
		return errors.New(advice)
	}
	host := c.base.Host
	if c.opts.Connect != "" {
		host = c.opts.Connect
	}
	_, notFound := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing is listening at %s: check that the hub is running, and check HUB_URL", host)
	case notFound:
		return fmt.Errorf("the name %s does not resolve: is HUB_URL right?", c.base.Hostname())
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("the hub at %s serves plain HTTP: use http:// in HUB_URL", host)
	}
	return fmt.Errorf("calling the hub: %w", err)
}

// CertificateAdvice says what to do about a certificate that was not accepted, or "" where
// that is not the problem.
func CertificateAdvice(err error, caFile string) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if caFile != "" {
			return fmt.Sprintf("the hub's certificate is not issued by an authority in %s: set HUB_CA_FILE to the authority that issued it", caFile)
		}
		return "the hub's certificate is issued by an authority that this machine does not trust: " +
			"set HUB_CA_FILE to the authority's certificate (PEM)"
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		names := slices.Clone(e.Certificate.DNSNames)
		for _, ip := range e.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		return fmt.Sprintf("the hub's certificate is not for %s, but for %s", e.Host, strings.Join(names, ", "))
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return fmt.Sprintf("the hub's certificate is valid from %s to %s only: renew it, or correct this machine's clock",
				e.Cert.NotBefore.UTC().Format("2006-01-02 15:04"), e.Cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
		}
		return "the hub's certificate cannot be used: " + e.Error()
	}
	return ""
}

// notOffered says why a hub does not offer an integration, as far as the hub tells.
func (c *Client) notOffered(ctx context.Context, name string) error {
	s, err := c.Status(ctx)
	if err != nil {
		return fmt.Errorf("%s is not available, and the hub gives no reason (see: hub list)", name)
	}
	reason, known := s.Integrations.Off[name]
	if known {
		return fmt.Errorf("%s is not available: %s", name, strings.Replace(reason, "missing settings: ", "missing ", 1))
	}
	if slices.Contains(s.Integrations.On, name) {
		return fmt.Errorf("%s is not available in Looker %s: try a newer version with --looker", name, c.opts.Version)
	}
	names := slices.AppendSeq(slices.Clone(s.Integrations.On), maps.Keys(s.Integrations.Off))
	return fmt.Errorf("there is no integration named %s%s", name, suggest.Text(name, names))
}
