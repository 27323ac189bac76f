package email_test

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

// fake is a mail server, example.com. It records what it is told, and refuses what it is set
// to. Nothing is asserted while it serves.
type fake struct {
	// refuse is the answer to a step ("auth", "from", "to:<address>", "data", "end"), at the
	// nth time that it is reached.
	refuse func(step string, nth int) error
	// deaf closes the connection at a step in place of an answer.
	deaf func(step string, nth int) bool

	roots *x509.CertPool
	addr  string

	mu        sync.Mutex
	count     map[string]int
	delivered []delivered
}

// delivered is a mail that the server took.
type delivered struct {
	User string
	From string
	To   []string
	Data string
}

func newFake(t *testing.T, implicit bool) *fake {
	t.Helper()
	f := &fake{count: map[string]int{}, roots: x509.NewCertPool()}
	certified := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate, of example.com
	t.Cleanup(certified.Close)
	f.roots.AddCert(certified.Certificate())
	config := &tls.Config{Certificates: certified.TLS.Certificates}

	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{fake: f, conn: c}, nil }))
	srv.Domain, srv.TLSConfig, srv.ErrorLog = "example.com", config, slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	if implicit {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() { _ = srv.Serve(l); close(done) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return f
}

// deps lead every connection to the server, and record where it was meant to lead.
func (f *fake) deps(env map[string]string, dialled *[]string) action.Deps {
	return action.Deps{Env: env, Log: slog.New(slog.DiscardHandler), Roots: f.roots, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		f.mu.Lock()
		*dialled = append(*dialled, address)
		f.mu.Unlock()
		return new(net.Dialer).DialContext(ctx, network, f.addr)
	}}
}

func (f *fake) mails() []delivered {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]delivered(nil), f.delivered...)
}

// session is one connection.
type session struct {
	fake *fake
	conn *smtp.Conn
	mail delivered
}

func (s *session) step(name string) error {
	s.fake.mu.Lock()
	s.fake.count[name]++
	n := s.fake.count[name]
	s.fake.mu.Unlock()
	if s.fake.deaf != nil && s.fake.deaf(name, n) {
		_ = s.conn.Conn().Close()
	}
	if s.fake.refuse != nil {
		return s.fake.refuse(name, n)
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
		if user != "hub" || password != secret {
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
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	s.fake.delivered = append(s.fake.delivered, s.mail)
	return nil
}

func (s *session) Reset()        { s.mail = delivered{User: s.mail.User} }
func (s *session) Logout() error { return nil }
