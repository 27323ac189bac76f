package mail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"integrationhub.dev/hub/action"
)

// replies is a connection to a server that says the same whatever it is sent.
type replies struct {
	net.Conn
	io.Reader
}

func (r replies) Read(p []byte) (int, error)  { return r.Reader.Read(p) }
func (r replies) Write(p []byte) (int, error) { return len(p), nil }
func (r replies) Close() error                { return nil }

// endless repeats a text, and counts what was read.
type endless struct {
	text string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	for n := range p {
		p[n] = e.text[(e.read+n)%len(e.text)]
	}
	e.read += len(p)
	return len(p), nil
}

// A server must not fill the hub's memory with a reply that never ends.
func TestRepliesAreBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"lines":    "220-" + strings.Repeat("a", 70) + "\r\n",
		"one line": "220 " + strings.Repeat("a", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dials := &endless{text: text}, 0
			deps := action.Deps{Log: slog.New(slog.DiscardHandler), Dial: func(context.Context, string, string) (net.Conn, error) {
				dials++
				client, other := net.Pipe()
				t.Cleanup(func() { _ = other.Close() })
				return replies{client, server}, nil
			}}
			m := Mail{From: "hub@example.com", To: []string{"ann@example.com"}}
			err := Server{Host: "mail.example.com", Port: 587, Security: StartTLS}.Send(t.Context(), deps, m)
			const want = "Unexpected response from mail.example.com: it is too large."
			if got := action.MessageOf(err); got != want {
				t.Errorf("message %q, want %q", got, want)
			}
			if got := action.KindOf(err); got != action.Unavailable {
				t.Errorf("kind %v, want %v", got, action.Unavailable)
			}
			if dials != 1 {
				t.Errorf("%d attempts, want 1", dials)
			}
			if server.read > maxReplies+maxRepliesPerMailbox {
				t.Errorf("%d bytes were read", server.read)
			}
		})
	}
}

// A server that accepted the mail and does not answer QUIT does not hold the delivery.
func TestQuitIsNotAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, other := net.Pipe()
		defer other.Close()
		script := strings.NewReader("220 mail\r\n250 mail\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n")
		c := smtp.NewClient(hanging{replies{client, io.MultiReader(script, client)}})
		if err := c.Hello("example.com"); err != nil {
			t.Fatal(err)
		}
		m := Mail{From: "hub@example.com", To: []string{"ann@example.com"}, Write: func(io.Writer) error { return nil }}
		start := time.Now()
		err := session{Server: Server{Host: "mail.example.com"}}.submit(t.Context(), c, m)
		if took := time.Since(start); err != nil || took > time.Minute {
			t.Errorf("error %v after %v", err, took)
		}
	})
}

// hanging is a connection that ends when it is closed, and not before.
type hanging struct{ replies }

func (h hanging) Close() error { return h.Conn.Close() }

// Whatever a server replies, the mail is accepted or an error says why not, within the bound.
func FuzzSMTPReply(f *testing.F) {
	const accepted = "220 mail\r\n250-mail\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n221 bye\r\n"
	for _, seed := range []string{
		accepted, "220-a\r\n220-b\r\n", "554 5.7.1 no\r\n", "220 a\r\n250 b\r\n535-5.7.8 x\r\n535 5.7.8 y\r\n", "220", "\r\n", "999 x\r\n",
		"220 a\r\n502 b\r\n250 c\r\n421 4.3.2 d\r\n", "220 a\r\n250 AUTH LOGIN\r\n334 !\r\n", strings.Repeat("220-a\r\n", 50000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rest := bytes.NewReader(data)
		client, other := net.Pipe()
		defer client.Close()
		defer other.Close()
		c := smtp.NewClient(bounded(replies{client, rest}, 1))
		s := session{Server: Server{Host: "mail.example.com", Username: "hub", Password: "s3cret"}}
		m := Mail{From: "hub@example.com", To: []string{"ann@example.com"}, Write: func(w io.Writer) error {
			_, err := io.WriteString(w, "Subject: x\r\n\r\ny\r\n")
			return err
		}}
		err := c.Hello("example.com")
		if err != nil {
			err = s.explain(t.Context(), greeting, err)
		} else {
			err = s.submit(t.Context(), c, m)
		}
		if read := len(data) - rest.Len(); read > maxReplies+maxRepliesPerMailbox {
			t.Errorf("%d bytes were read", read)
		}
		if err == nil {
			return
		}
		if _, ok := errors.AsType[*action.Error](err); !ok {
			t.Errorf("error %T without a message: %v", err, err)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the password is in the error: %v", err)
		}
	})
}
