// Package mailtest is a mail server for the tests of integrations that send mail.
package mailtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"integrationhub.dev/hub/action"
)

// The account that the server knows.
const (
	Username = "hub"
	Password = "s3cret"
	// Token is the access token of the mailbox [Username].
	Token = "t0ken.s3cret"
)

// Server is a mail server, example.com. It records what it receives, and rejects what it is
// set to. Nothing is asserted while it serves. It has no sockets, so that a bubble of
// testing/synctest may hold it.
type Server struct {
	// Refuse is the answer to a step ("auth", "from", "to:<address>", "data", "end"), at the
	// nth time that it is reached.
	Refuse func(step string, nth int) error
	// Deaf closes the connection at a step in place of an answer.
	Deaf func(step string, nth int) bool
	// Roots are what its certificate is trusted by.
	Roots *x509.CertPool
	// CA is the authority of its certificate, in PEM.
	CA string
	// Mechanisms are the ways to sign in that it offers; PLAIN without any.
	Mechanisms []string
	// Plain makes it a server that has no TLS.
	Plain bool

	tls         *tls.Config
	connections listener
	smtp        *smtp.Server

	mu        sync.Mutex
	count     map[string]int
	dialled   []string
	hellos    []string
	said      []string
	delivered []Delivered
}

// Delivered is a mail that the server took.
type Delivered struct {
	User string
	From string
	To   []string
	Data string
}

// New starts a server that ends with the test. An implicit one speaks TLS from the start.
func New(t testing.TB, implicit bool) *Server {
	t.Helper()
	s := &Server{count: map[string]int{}, Roots: x509.NewCertPool()}
	certified := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate, of example.com
	certified.Close()
	s.Roots.AddCert(certified.Certificate())
	s.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}))

	s.tls = &tls.Config{Certificates: certified.TLS.Certificates}
	s.Speak(t, implicit)
	return s
}

// WithoutTLS makes the server one that does not offer STARTTLS. It is called before anybody dials.
func (s *Server) WithoutTLS() {
	s.Plain, s.smtp.TLSConfig, s.smtp.AllowInsecureAuth = true, nil, true
}

// Speak makes the server one that speaks TLS from the start, or one that is asked for it. It
// is called before anybody dials.
func (s *Server) Speak(t testing.TB, implicit bool) {
	t.Helper()
	s.connections = newListener()
	srv := smtp.NewServer(smtp.BackendFunc(s.hello))
	srv.Domain, srv.TLSConfig, srv.ErrorLog = "example.com", s.tls, slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.smtp = srv
	var l net.Listener = s.connections
	if implicit {
		l = tls.NewListener(l, s.tls)
	}
	done := make(chan struct{})
	go func() { _ = srv.Serve(l); close(done) }()
	t.Cleanup(func() {
		_ = l.Close() // the server does not know it yet, if it has only just begun
		_ = srv.Close()
		<-done
	})
}

// EnableSMTPUTF8 makes the server accept internationalized addresses. It is called before
// anybody dials.
func (s *Server) EnableSMTPUTF8() { s.smtp.EnableSMTPUTF8 = true }

// MaxMessageBytes limits a mail. The server announces the limit. It is called before anybody dials.
func (s *Server) MaxMessageBytes(n int64) { s.smtp.MaxMessageBytes = n }

// Dial leads every connection to the server, and records where it was meant to lead.
func (s *Server) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	s.mu.Lock()
	s.dialled = append(s.dialled, address)
	s.mu.Unlock()
	return s.connections.dial(ctx)
}

// Deps lead to the server.
func (s *Server) Deps(env map[string]string) action.Deps {
	return action.Deps{Env: env, Log: slog.New(slog.DiscardHandler), Roots: s.Roots, Dial: s.Dial}
}

// Dialled returns where connections were meant to lead.
func (s *Server) Dialled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.dialled...)
}

// Mails returns what the server took.
func (s *Server) Mails() []Delivered {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Delivered(nil), s.delivered...)
}

// Hellos returns the names that clients gave, in the order of their EHLOs.
func (s *Server) Hellos() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.hellos...)
}

// Said returns what clients sent to sign in: the mechanism, and each response.
func (s *Server) Said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.said...)
}

// hello greets a client, unless it calls itself localhost, as Google's relay does:
// https://support.google.com/a/answer/3726730 (421 4.7.0). The name must be that of a host in the domain name
// system or an address literal (RFC 5321, section 4.1.4).
func (s *Server) hello(c *smtp.Conn) (smtp.Session, error) {
	name := c.Hostname()
	s.mu.Lock()
	s.hellos = append(s.hellos, name)
	s.mu.Unlock()
	conversation := &session{server: s, conn: c}
	if !strings.Contains(name, ".") && !strings.HasPrefix(name, "[") {
		return nil, &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Try again later, closing connection. (EHLO)"}
	}
	return conversation, conversation.step("hello")
}

// session is one connection.
type session struct {
	server *Server
	conn   *smtp.Conn
	mail   Delivered
}

func (s *session) step(name string) error {
	s.server.mu.Lock()
	s.server.count[name]++
	n := s.server.count[name]
	s.server.mu.Unlock()
	if s.server.Deaf != nil && s.server.Deaf(name, n) {
		_ = s.conn.Conn().Close()
	}
	if s.server.Refuse != nil {
		return s.server.Refuse(name, n)
	}
	return nil
}

func (s *session) AuthMechanisms() []string {
	if _, secure := s.conn.TLSConnectionState(); !secure {
		return nil
	}
	if s.server.Mechanisms == nil {
		return []string{sasl.Plain}
	}
	return s.server.Mechanisms
}

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	s.server.say(mechanism)
	if !slices.Contains(s.AuthMechanisms(), mechanism) {
		return nil, &smtp.SMTPError{Code: 504, EnhancedCode: smtp.EnhancedCode{5, 7, 4}, Message: "Unrecognized authentication type"}
	}
	if mechanism == "XOAUTH2" || mechanism == sasl.OAuthBearer {
		return &bearer{session: s, mechanism: mechanism}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error {
		if err := s.step("auth"); err != nil {
			return err
		}
		if user != Username || password != Password {
			return smtp.ErrAuthFailed
		}
		s.mail.User = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if _, secure := s.conn.TLSConnectionState(); !secure && !s.server.Plain {
		return errors.New("in the clear")
	}
	s.mail.From = from
	return s.step("from")
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	return s.step("to:" + to)
}

func (s *session) Data(r io.Reader) error {
	if err := s.step("data"); err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.step("end"); err != nil {
		return err
	}
	s.mail.Data = string(data)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.delivered = append(s.server.delivered, s.mail)
	return nil
}

func (s *session) Reset()        { s.mail = Delivered{User: s.mail.User} }
func (s *session) Logout() error { return nil }
