// Package mailtest is a mail server for the tests of integrations that send mail.
package mailtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
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

	tls         *tls.Config
	connections listener
	smtp        *smtp.Server

	mu        sync.Mutex
	count     map[string]int
	dialled   []string
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

	s.tls = &tls.Config{Certificates: certified.TLS.Certificates}
	s.Speak(t, implicit)
	return s
}

// Speak makes the server one that speaks TLS from the start, or one that is asked for it. It
// is called before anybody dials.
func (s *Server) Speak(t testing.TB, implicit bool) {
	t.Helper()
	s.connections = newListener()
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
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
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
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
	if _, secure := s.conn.TLSConnectionState(); !secure {
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
