//go:build servers

package email_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/email"
	"integrationhub.dev/integrations/internal/mail/mailtest"
	"integrationhub.dev/integrations/internal/servertest"
)

// mailpit is a mail server that keeps what it is sent, and tells it over HTTP.
type mailpit struct {
	smtp, web string
	roots     *x509.CertPool
}

// startMailpit starts one that demands TLS, a user name and a password, and takes mail for
// example.com only. An implicit one speaks TLS from the start.
func startMailpit(t *testing.T, implicit bool) *mailpit {
	t.Helper()
	certified := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate, of 127.0.0.1
	certified.Close()
	m := &mailpit{smtp: servertest.Address(t), web: servertest.Address(t), roots: x509.NewCertPool()}
	m.roots.AddCert(certified.Certificate())
	key, err := x509.MarshalPKCS8PrivateKey(certified.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	demand := "--smtp-require-starttls"
	if implicit {
		demand = "--smtp-require-tls"
	}
	servertest.Start(t, m.web, nil, servertest.Program(t, "MAILPIT"),
		"--quiet", "--disable-version-check", "--smtp-disable-rdns", "--smtp", m.smtp, "--listen", m.web, demand,
		"--smtp-tls-cert", file("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})),
		"--smtp-tls-key", file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		"--smtp-auth-file", file("accounts", []byte(mailtest.Username+":"+mailtest.Password+"\n")),
		"--smtp-allowed-recipients", `@example\.com$`)
	return m
}

// env are the hub's settings for it.
func (m *mailpit) env(t *testing.T, security string, change answers) answers {
	t.Helper()
	host, port, err := net.SplitHostPort(m.smtp)
	if err != nil {
		t.Fatal(err)
	}
	all := env(answers{"EMAIL_SMTP_HOST": host, "EMAIL_SMTP_PORT": port, "EMAIL_SMTP_TLS": security})
	maps.Copy(all, change)
	return all
}

func (m *mailpit) get(t *testing.T, path string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+m.web+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", path, res.StatusCode, err)
	}
	return body
}

type address struct{ Name, Address string }

// received is a mail as Mailpit reads it.
type received struct {
	From        address
	To, Bcc     []address
	Subject     string
	Text        string
	Attachments []struct{ PartID, FileName, ContentType string }
	file        []byte
}

// mails are those that are there, the newest first.
func (m *mailpit) mails(t *testing.T) []string {
	t.Helper()
	var list struct{ Messages []struct{ ID string } }
	if err := json.Unmarshal(m.get(t, "/api/v1/messages"), &list); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, message := range list.Messages {
		ids = append(ids, message.ID)
	}
	return ids
}

func (m *mailpit) read(t *testing.T, id string) (r received) {
	t.Helper()
	path := "/api/v1/message/" + id
	if err := json.Unmarshal(m.get(t, path), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Attachments) != 1 {
		t.Fatalf("%d attachments", len(r.Attachments))
	}
	r.file = m.get(t, path+"/part/"+r.Attachments[0].PartID)
	return r
}

// Against Mailpit, which reads mails by code of its own.
func TestServer(t *testing.T) {
	t.Run("STARTTLS", func(t *testing.T) { testServer(t, startMailpit(t, false), "starttls") })
	t.Run("implicit TLS", func(t *testing.T) { testServer(t, startMailpit(t, true), "implicit") })
}

func testServer(t *testing.T, m *mailpit, security string) {
	t.Helper()
	random := make([]byte, 12<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random)
	large := []byte(base64.StdEncoding.EncodeToString(random))
	deps := func(change answers) action.Deps {
		d := servertest.Deps(t, m.env(t, security, change))
		d.Roots = m.roots
		return d
	}
	type step struct {
		what    string
		deps    action.Deps
		form    answers
		file    []byte
		kind    action.Kind // of the error; with it nothing arrives
		message string
		want    received
	}
	long := strings.Repeat("größer ", 40) + "end"
	for _, s := range []step{
		{
			what: "in many scripts", deps: deps(nil), file: []byte(csv),
			form: answers{
				"to": "Änne <ann@example.com>; bob@example.com", "subject": "{title}: Größe 表 🙂", "message": "Grüße.\n.\nEnde", "filename": "Übersicht 表",
			},
			want: received{
				To: []address{{"Änne", "ann@example.com"}, {"", "bob@example.com"}}, Subject: "Orders by day: Größe 表 🙂",
				Text:        "Grüße.\n.\nEnde\n\nView this data in Looker: https://looker.example.com/looks/1\n\nResults are attached.\n",
				Attachments: []struct{ PartID, FileName, ContentType string }{{FileName: "Übersicht 表.csv", ContentType: "text/csv"}},
			},
		},
		{
			what: "large", deps: deps(nil), file: large, form: answers{"to": "ann@example.com", "subject": long},
			want: received{
				To: []address{{"", "ann@example.com"}}, Subject: long,
				Text:        "View this data in Looker: https://looker.example.com/looks/1\n\nResults are attached.\n",
				Attachments: []struct{ PartID, FileName, ContentType string }{{FileName: "Orders by day.csv", ContentType: "text/csv"}},
			},
		},
		{
			what: "lines that end the mail, or its head", deps: deps(nil), file: []byte("\r\n.\r\nMAIL FROM:<a@example.com>\r\n"),
			form: answers{
				"to": "ann@example.com", "subject": "Hi\r\nBcc: eve@example.com\r\n\r\n.\r\n", "message": "x\r\n.\r\nQUIT\r\n", "filename": "a\"\r\nX: y",
			},
			want: received{
				To: []address{{"", "ann@example.com"}}, Subject: "Hi Bcc: eve@example.com .",
				Text:        "x\n.\nQUIT\n\nView this data in Looker: https://looker.example.com/looks/1\n\nResults are attached.\n",
				Attachments: []struct{ PartID, FileName, ContentType string }{{FileName: `a" X: y.csv`, ContentType: "text/csv"}},
			},
		},
		{
			what: "too large for the hub", deps: deps(answers{"EMAIL_MAX_MB": "1"}), file: large[:1<<20], form: answers{"to": "ann@example.com"},
			kind: action.TooLarge,
		},
		{
			what: "a wrong password", deps: deps(answers{"EMAIL_SMTP_PASSWORD": "other"}), file: []byte(csv), form: answers{"to": "ann@example.com"},
			kind: action.Unauthenticated, message: "127.0.0.1 rejected the hub's user name and password (535 5.7.8).",
		},
		{
			what: "without sign-in", deps: deps(answers{"EMAIL_SMTP_USERNAME": "", "EMAIL_SMTP_PASSWORD": ""}), file: []byte(csv),
			form: answers{"to": "ann@example.com"}, kind: action.Unauthenticated,
		},
		{
			what: "one recipient refused", deps: deps(nil), file: []byte(csv), form: answers{"to": "ann@example.com, eve@example.org"},
			kind: action.Invalid, message: "127.0.0.1 rejected one of the recipients (550 5.1.0). No recipient received it.",
		},
		{
			what: "untrusted certificate", deps: servertest.Deps(t, m.env(t, security, nil)), file: []byte(csv), form: answers{"to": "ann@example.com"},
			kind: action.Forbidden, message: "The hub does not trust the certificate of 127.0.0.1.",
		},
	} {
		t.Run(s.what, func(t *testing.T) {
			before := len(m.mails(t))
			i := actiontest.New(t, email.New, s.deps)
			req := actiontest.Inline(t, actiontest.Query(nil, s.form), "text/csv", "csv", s.file)
			_, err := i.Execute(t.Context(), req)
			arrived := m.mails(t)
			arrived = arrived[:len(arrived)-before]
			if s.kind != 0 {
				if got := action.KindOf(err); got != s.kind {
					t.Errorf("kind %v, want %v", got, s.kind)
				}
				if got := action.MessageOf(err); s.message != "" && got != s.message {
					t.Errorf("message %q, want %q", got, s.message)
				}
				if len(arrived) != 0 {
					t.Errorf("%d mails arrived, want none", len(arrived))
				}
				return
			}
			if err != nil || len(arrived) != 1 {
				t.Fatalf("error %v; %d mails arrived", err, len(arrived))
			}
			got := m.read(t, arrived[0])
			if !bytes.Equal(got.file, s.file) {
				t.Errorf("a file of %d bytes arrived, not the one of %d bytes", len(got.file), len(s.file))
			}
			got.file, got.Attachments[0].PartID, got.Text = nil, "", strings.ReplaceAll(got.Text, "\r\n", "\n")
			s.want.From = address{"Lööker", "looker@mail.example.org"}
			if diff := cmp.Diff(s.want, got, cmp.AllowUnexported(received{}), cmp.FilterValues(func(a, b []address) bool { return len(a)+len(b) == 0 }, cmp.Ignore())); diff != "" {
				t.Errorf("mail (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a source that breaks off", func(t *testing.T) {
		before := len(m.mails(t))
		i := actiontest.New(t, email.New, deps(nil))
		req := actiontest.Download(t, actiontest.Query(nil, answers{"to": "ann@example.com"}), actiontest.BrokenDownload(csv))
		if _, err := i.Execute(t.Context(), req); err == nil || len(m.mails(t)) != before {
			t.Errorf("error %v; %d mails were there, %d are", err, before, len(m.mails(t)))
		}
	})
}
