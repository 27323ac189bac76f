package mail

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"integrationhub.dev/integrations/internal/mailbox"
)

// step is a step of sending a mail, for error messages.
type step string

const (
	greeting        step = "greeting"
	encrypting      step = "encrypting the connection"
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

// transact starts a session and sends one mail.
func (s session) transact(ctx context.Context, conn net.Conn, m Mail) error {
	c, doing, err := s.greet(ctx, conn, s.helloName(conn, m.From))
	if err != nil {
		return s.explain(ctx, doing, err)
	}
	return s.submit(ctx, c, m)
}

// helloName is the name that the hub gives to the server. It must be a fully qualified domain name or an address
// literal (RFC 5321, section 4.1.4). Relays that trust their clients by network, such as Google's, refuse others.
func (s session) helloName(conn net.Conn, from string) string {
	domain := mailbox.Domain(from)
	switch addr, ok := conn.LocalAddr().(*net.TCPAddr); {
	case s.Hello != "":
		return s.Hello
	case strings.Contains(domain, ".") || !ok || addr.IP == nil:
		return domain
	case addr.IP.To4() == nil:
		return "[IPv6:" + addr.IP.String() + "]"
	default:
		return "[" + addr.IP.String() + "]"
	}
}

// errNoStartTLS is the error if a server does not offer STARTTLS.
var errNoStartTLS = errors.New("the server does not offer STARTTLS")

// greet greets the server, and encrypts the connection. In case of an error, it returns the step that failed.
func (s session) greet(ctx context.Context, conn net.Conn, name string) (*smtp.Client, step, error) {
	if s.Security == None {
		c := smtp.NewClient(conn)
		return c, greeting, c.Hello(name)
	}
	replay := ""
	if s.Security == StartTLS {
		c := smtp.NewClient(conn)
		if err := c.Hello(name); err != nil {
			return nil, greeting, err
		}
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return nil, encrypting, errNoStartTLS
		}
		if err := startTLS(conn); err != nil {
			return nil, encrypting, err
		}
		replay = "220 " + s.Host + "\r\n" // the client expects a greeting, which a server does not repeat
	}
	secure := tls.Client(conn, s.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, encrypting, err
	}
	c := smtp.NewClient(replaying{secure, io.MultiReader(strings.NewReader(replay), secure)})
	return c, greeting, c.Hello(name)
}

// errInjected is the error if something follows the reply to STARTTLS.
var errInjected = errors.New("the server sent more than its reply to STARTTLS")

// startTLS asks the server for TLS. go-smtp does so only together with a greeting as "localhost".
func startTLS(conn net.Conn) error {
	if _, err := io.WriteString(conn, "STARTTLS\r\n"); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	if _, _, err := textproto.NewReader(r).ReadResponse(220); err != nil {
		return asReply(err)
	}
	if r.Buffered() > 0 { // an attacker can have added it, for the time after the handshake (RFC 3207, section 6)
		return errInjected
	}
	return nil
}

// asReply converts the error of an unexpected reply.
func asReply(err error) error {
	e, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return err
	}
	reply := &smtp.SMTPError{Code: e.Code, Message: e.Msg}
	code := &reply.EnhancedCode
	if _, err := fmt.Sscanf(e.Msg, "%d.%d.%d", &code[0], &code[1], &code[2]); err != nil {
		*code = smtp.EnhancedCodeNotSet
	}
	return reply
}

// replaying is a connection that is read through a reader.
type replaying struct {
	net.Conn
	io.Reader
}

func (r replaying) Read(p []byte) (int, error) { return r.Reader.Read(p) }

// submit signs in and sends the mail.
func (s session) submit(ctx context.Context, c *smtp.Client, m Mail) error {
	if s.Username != "" {
		if err := s.signIn(ctx, c); err != nil {
			return err
		}
	}
	if err := s.checkSize(c, m); err != nil {
		return err
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
			return s.refusedRecipient(ctx, to, err)
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

// quitTimeout limits the wait for the reply to QUIT.
const quitTimeout = 5 * time.Second

// quit ends the session. The server need not reply, because it has accepted the mail already.
func (session) quit(c *smtp.Client) {
	timer := time.AfterFunc(quitTimeout, func() { _ = c.Close() })
	defer timer.Stop()
	_ = c.Quit()
}

// mechanisms returns the ways to sign in that the server offers.
func mechanisms(c *smtp.Client) []string {
	_, list := c.Extension("AUTH")
	all := strings.Fields(strings.ToUpper(list))
	slices.Sort(all)
	return all
}
