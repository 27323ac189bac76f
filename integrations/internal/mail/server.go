// Package mail sends mails through a mail server (RFC 5321).
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/mailbox"
)

// Security is how the connection to a mail server is encrypted. Unencrypted connections are not supported.
type Security string

// The two ways (RFC 8314).
const (
	StartTLS Security = "starttls"
	Implicit Security = "implicit"
)

// Port returns the default port.
func (s Security) Port() int {
	if s == Implicit {
		return 465
	}
	return 587
}

// Server is a mail server and the hub's account.
type Server struct {
	Host     string
	Port     int
	Security Security
	// Username is empty if the server requires no authentication.
	Username string
	Password action.Secret
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

// quitTimeout limits the wait for the reply to QUIT.
const quitTimeout = 5 * time.Second

// step is a step of sending a mail, for error messages.
type step string

const (
	greeting        step = "greeting"
	signingIn       step = "signing in"
	namingSender    step = "naming the sender"
	namingRecipient step = "naming a recipient"
	beginning       step = "beginning the mail"
	sending         step = "sending the mail"
	ending          step = "ending the mail"
)

// session is one attempt to send a mail.
type session struct {
	Server
	tls *tls.Config
}

// Send sends one mail to all of its recipients or to none. It retries only if the server has certainly not
// accepted the mail.
func (s Server) Send(ctx context.Context, deps action.Deps, m Mail) error {
	if err := m.checkEnvelope(); err != nil {
		return err
	}
	address := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	secure := &tls.Config{ServerName: s.Host, RootCAs: deps.Roots, MinVersion: tls.VersionTLS12}
	return retry.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, timeout(m.Size), action.Errorf(action.Timeout, "%s did not answer in time.", s.Host))
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

// transact starts a session and sends one mail.
func (s session) transact(ctx context.Context, conn net.Conn, m Mail) error {
	c, err := s.greet(ctx, conn, mailbox.Domain(m.From))
	if err != nil {
		return s.explain(ctx, greeting, err)
	}
	return s.submit(ctx, c, m)
}

// submit signs in and sends the mail.
func (s session) submit(ctx context.Context, c *smtp.Client, m Mail) error {
	if s.Username != "" {
		if err := s.signIn(c); err != nil {
			return s.explain(ctx, signingIn, err)
		}
	}
	options, err := s.mailOptions(c, m)
	if err != nil {
		return err
	}
	if err := c.Mail(m.From, options); err != nil {
		return s.explain(ctx, namingSender, err)
	}
	for _, to := range m.To {
		if err := c.Rcpt(to, nil); err != nil {
			return s.refusedRecipient(ctx, err)
		}
	}
	data, err := c.Data()
	if err != nil {
		return s.explain(ctx, beginning, err)
	}
	if err := m.Write(data); err != nil {
		return s.explain(ctx, sending, err)
	}
	if err := data.Close(); err != nil {
		return s.unconfirmed(s.explain(ctx, ending, err), err)
	}
	s.quit(c) // the server has accepted the mail
	return nil
}

// quit ends the session. The server need not reply, because it has accepted the mail already.
func (session) quit(c *smtp.Client) {
	timer := time.AfterFunc(quitTimeout, func() { _ = c.Close() })
	defer timer.Stop()
	_ = c.Quit()
}

func (s session) greet(ctx context.Context, conn net.Conn, domain string) (*smtp.Client, error) {
	if s.Security == Implicit {
		secure := tls.Client(conn, s.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		c := smtp.NewClient(secure)
		return c, c.Hello(domain)
	}
	c, err := smtp.NewClientStartTLS(conn, s.tls)
	if err != nil {
		return nil, err
	}
	return c, c.Hello(domain)
}

func (s session) signIn(c *smtp.Client) error {
	if !c.SupportsAuth(sasl.Plain) && c.SupportsAuth(sasl.Login) {
		return c.Auth(sasl.NewLoginClient(s.Username, s.Password.Reveal()))
	}
	return c.Auth(sasl.NewPlainClient("", s.Username, s.Password.Reveal()))
}

// refusedRecipient explains that the server rejected a recipient, so that no recipient received the mail.
func (s session) refusedRecipient(ctx context.Context, err error) error {
	explained := s.explain(ctx, namingRecipient, err)
	if _, ok := errors.AsType[*smtp.SMTPError](err); !ok {
		return explained
	}
	e := action.Wrap(explained, action.KindOf(explained), "%s No recipient received it.", action.MessageOf(explained))
	e.Fields = map[string]string{"to": e.Message}
	return e
}

// unconfirmed adds to an error after a complete mail that the server may have accepted it, unless the
// server rejected it.
func (s session) unconfirmed(explained, err error) error {
	if _, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return explained
	}
	return action.Wrap(errors.Join(errInDoubt, explained), action.KindOf(explained),
		"%s The mail may already have been sent. Check before retrying.", action.MessageOf(explained))
}

// explain converts an error. Only the codes of the server's reply are used, because its text can quote
// addresses.
func (s session) explain(ctx context.Context, doing step, err error) error {
	reply, ok := errors.AsType[*smtp.SMTPError](err)
	if !ok || ctx.Err() != nil {
		return connectionError(ctx, doing, err, s.Host)
	}
	code := codeOf(reply)
	detail := fmt.Errorf("%s: answered %s", doing, code)
	if reply.Temporary() {
		return action.Wrap(detail, action.Unavailable, "%s temporarily rejected the mail (%s).", s.Host, code)
	}
	if reply.EnhancedCode == (smtp.EnhancedCode{5, 3, 4}) || reply.Code == 552 {
		return action.Wrap(detail, action.TooLarge, "The mail is too large for %s (%s).", s.Host, code)
	}
	switch doing {
	case signingIn:
		return action.Wrap(detail, action.Unauthenticated, "%s rejected the hub's user name and password (%s).", s.Host, code)
	case namingSender:
		return action.Wrap(detail, action.Forbidden, "%s rejected the hub's sender (%s).", s.Host, code)
	case namingRecipient:
		return action.Wrap(detail, action.Invalid, "%s rejected one of the recipients (%s).", s.Host, code)
	default:
		return action.Wrap(detail, action.Invalid, "%s rejected the mail (%s).", s.Host, code)
	}
}

// codeOf returns a reply's code and its enhanced code, if it has one (RFC 3463).
func codeOf(r *smtp.SMTPError) string {
	if r.EnhancedCode[0] < 2 {
		return strconv.Itoa(r.Code)
	}
	return fmt.Sprintf("%d %d.%d.%d", r.Code, r.EnhancedCode[0], r.EnhancedCode[1], r.EnhancedCode[2])
}

// connectionError explains why the session ended.
func connectionError(ctx context.Context, doing step, err error, host string) error {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return action.Wrap(fmt.Errorf("%s: %w", doing, err), action.Forbidden, "The hub does not trust the certificate of %s.", host)
	}
	if repliesTooLarge(err) {
		return action.Wrap(fmt.Errorf("%s: %w", doing, err), action.Unavailable, "Unexpected response from %s: it is too large.", host)
	}
	return fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, err, host))
}
