// Package mail sends mails through a mail server (RFC 5321).
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strconv"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// Security is how the connection to a mail server is encrypted.
type Security string

// The two ways (RFC 8314), and the one for relays within a network that have no TLS. No one signs in over an
// unencrypted connection.
const (
	StartTLS Security = "starttls"
	Implicit Security = "implicit"
	None     Security = "none"
)

// Port returns the default port.
func (s Security) Port() int {
	switch s {
	case Implicit:
		return 465
	case None:
		return 25
	default:
		return 587
	}
}

// Server is a mail server and the hub's account.
type Server struct {
	Host     string
	Port     int
	Security Security
	// Hello is the name that the hub gives to the server: a fully qualified domain name, or an address literal
	// such as [192.0.2.1]. Empty means the domain of the sender.
	Hello string
	// Roots are the certificate authorities of the server; nil means those of the hub.
	Roots *x509.CertPool
	// Username is empty if the server requires no authentication.
	Username string
	Password action.Secret
	// Token returns an access token for the mailbox Username, which takes the place of a password. Optional.
	Token func(context.Context) (action.Secret, error)
}

// Mail is one mail with its envelope.
type Mail struct {
	From string
	To   []string
	// Size is approximately the number of bytes that Write writes. The timeout depends on it.
	Size int64
	// Write writes the mail (RFC 5322). It is called for each attempt and must write the same each time.
	// Its error is returned if it is an [*action.Error].
	Write func(io.Writer) error
}

// retry is for mails that the server has certainly not accepted. A timeout is not retried.
var retry = deliver.Retry{MaxAttempts: 4, InitialBackoff: 2 * time.Second, MaxBackoff: 30 * time.Second, When: func(err error) bool {
	return action.KindOf(err) == action.Unavailable && !errors.Is(err, errInDoubt) && !repliesTooLarge(err)
}}

// errInDoubt is the error if the server may have accepted the mail.
var errInDoubt = errors.New("the complete mail was sent, but not confirmed")

// timeout is five minutes, and one second more for each 64 KiB.
func timeout(size int64) time.Duration { return 5*time.Minute + time.Duration(size>>16)*time.Second }

// Send sends one mail to all of its recipients or to none. It retries only if the server has certainly not
// accepted the mail.
func (s Server) Send(ctx context.Context, deps action.Deps, m Mail) error {
	if err := m.checkEnvelope(); err != nil {
		return err
	}
	if s.Security == None && s.Username != "" {
		return action.Errorf(action.Invalid, "The hub does not sign in to %s, because the connection is not encrypted.", s.Host)
	}
	address := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	roots := deps.Roots
	if s.Roots != nil {
		roots = s.Roots
	}
	secure := &tls.Config{ServerName: s.Host, RootCAs: roots, MinVersion: tls.VersionTLS12}
	return retry.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, timeout(m.Size), action.Errorf(action.Timeout, "%s did not respond in time.", s.Host))
		defer cancel()
		conn, err := deps.Dial(ctx, "tcp", address)
		if err != nil {
			return outbound.ConnectionError(ctx, err, s.Host)
		}
		// After the mail was started, the connection can only be closed. The server would take a QUIT for
		// the end of the mail.
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		return session{s, secure}.transact(ctx, bounded(conn, len(m.To)), m)
	})
}
