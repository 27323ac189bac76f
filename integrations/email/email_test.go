package email_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/email"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/mail/mailtest"
)

const (
	secret = mailtest.Password
	csv    = "day,orders\n2026-11-23,17\n"
)

type answers = map[string]string

func env(change answers) answers {
	all := answers{
		"EMAIL_SMTP_HOST": "example.com", "EMAIL_FROM": "Lööker <looker@mail.example.org>",
		"EMAIL_SMTP_USERNAME": "hub", "EMAIL_SMTP_PASSWORD": secret,
	}
	maps.Copy(all, change)
	return all
}

func query(t *testing.T, form answers) *action.Request {
	t.Helper()
	all := answers{"to": "ann@example.com"}
	maps.Copy(all, form)
	return actiontest.Inline(t, actiontest.Query(nil, all), "text/csv", "csv", []byte(csv))
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, email.New, action.Deps{Env: env(nil)})
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: append([]action.Field{
		{Name: "to", Label: "To", Description: "Addresses, separated by commas. The recipients see each other.", Type: action.String, Required: true},
		{Name: "subject", Label: "Subject", Description: "{title} is replaced by the plan's title, {date} by today's date, {link} by the URL in Looker.", Type: action.String, Default: "{title}"},
		{Name: "message", Label: "Message", Description: "Can contain the same placeholders.", Type: action.Textarea},
		{Name: "filename", Label: "Filename", Type: action.String},
	}, datafile.Fields()...)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  answers
		want string
	}{
		"nothing":            {answers{}, "missing settings: EMAIL_FROM, EMAIL_SMTP_HOST"},
		"a name alone":       {env(answers{"EMAIL_SMTP_PASSWORD": ""}), "EMAIL_SMTP_USERNAME and EMAIL_SMTP_PASSWORD must be set together"},
		"unknown encryption": {env(answers{"EMAIL_SMTP_TLS": "ssl"}), "but must be starttls or implicit, or none for a relay without TLS"},
		"a password without encryption": {
			env(answers{"EMAIL_SMTP_TLS": "none"}), "the hub does not sign in over an unencrypted connection: EMAIL_SMTP_TLS must not be none",
		},
		"a token without encryption": {
			oauthEnv(answers{"EMAIL_SMTP_TLS": "none"}), "the hub does not sign in over an unencrypted connection: EMAIL_SMTP_TLS must not be none",
		},
		"an authority without encryption": {
			env(answers{"EMAIL_SMTP_TLS": "none", "EMAIL_SMTP_USERNAME": "", "EMAIL_SMTP_PASSWORD": "", "EMAIL_SMTP_CA": mailtest.New(t, false).CA}),
			"EMAIL_SMTP_CA needs a connection with TLS",
		},
		"no authority":              {env(answers{"EMAIL_SMTP_CA": "/etc/ca.pem"}), "but must be one or more certificates in PEM format"},
		"EHLO as localhost":         {env(answers{"EMAIL_SMTP_EHLO_NAME": "localhost"}), "but must be a full domain name"},
		"EHLO with an IP address":   {env(answers{"EMAIL_SMTP_EHLO_NAME": "192.0.2.1"}), "but must be a full domain name"},
		"EHLO with half a literal":  {env(answers{"EMAIL_SMTP_EHLO_NAME": "[192.0.2.1"}), "but must be a full domain name"},
		"EHLO with an IPv6 literal": {env(answers{"EMAIL_SMTP_EHLO_NAME": "[2001:db8::1]"}), "but must be a full domain name"},
		"EHLO with a command":       {env(answers{"EMAIL_SMTP_EHLO_NAME": "a.example\r\nQUIT"}), "but must be a full domain name"},
		"a password and a token":    {oauthEnv(answers{"EMAIL_SMTP_PASSWORD": secret}), "EMAIL_SMTP_PASSWORD and EMAIL_OAUTH_CLIENT_SECRET cannot be combined"},
		"an app without a secret":   {oauthEnv(answers{"EMAIL_OAUTH_CLIENT_SECRET": ""}), "EMAIL_OAUTH_CLIENT_ID and EMAIL_OAUTH_CLIENT_SECRET must be set together"},
		"a tenant alone":            {env(answers{"EMAIL_OAUTH_TENANT": "t", "EMAIL_SMTP_PASSWORD": ""}), "EMAIL_OAUTH_CLIENT_ID and EMAIL_OAUTH_CLIENT_SECRET must be set together"},
		"an app without a tenant":   {oauthEnv(answers{"EMAIL_OAUTH_TENANT": ""}), "EMAIL_OAUTH_TENANT is missing"},
		"a token URL without https": {oauthEnv(answers{"EMAIL_OAUTH_TOKEN_URL": "http://id.example.org/token"}), "EMAIL_OAUTH_TOKEN_URL must be an https URL"},
		"no sender's address":       {env(answers{"EMAIL_FROM": "Looker"}), "but must be an e-mail address"},
		"a quoted sender":           {env(answers{"EMAIL_FROM": `"a> SIZE=1"@example.com`}), "but must be an e-mail address"},
		"no port":                   {env(answers{"EMAIL_SMTP_PORT": "70000"}), "EMAIL_SMTP_PORT is not a port"},
		"no size":                   {env(answers{"EMAIL_MAX_MB": "0"}), "EMAIL_MAX_MB must be from 1 to 1024"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := email.New(action.Deps{Env: tt.env})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error contains a secret: %v", err)
			}
			_, missing := errors.AsType[*action.MissingSettingsError](err)
			if missing != (name == "nothing") {
				t.Errorf("error %T", err)
			}
		})
	}
}

// letter is a mail as its reader sees it.
type letter struct {
	From, To, Subject, Auto string
	Text                    string
	Type, Filename, File    string
}

func read(t *testing.T, data string) letter {
	t.Helper()
	r, err := mail.CreateReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	from, err := r.Header.AddressList("From")
	if err != nil || len(from) != 1 {
		t.Fatal(from, err)
	}
	to, err := r.Header.AddressList("To")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range to {
		names = append(names, a.String())
	}
	l := letter{From: from[0].Name + " " + from[0].Address, To: strings.Join(names, " "), Auto: r.Header.Get("Auto-Submitted")}
	if l.Subject, err = r.Header.Subject(); err != nil {
		t.Fatal(err)
	}
	if id, err := r.Header.MessageID(); err != nil || !strings.HasSuffix(id, "@mail.example.org") {
		t.Errorf("message id %q, %v", id, err)
	}
	if _, err := r.Header.Date(); err != nil {
		t.Error(err)
	}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			l.Text += string(body)
		case *mail.AttachmentHeader:
			l.File += string(body)
			if l.Filename, err = h.Filename(); err != nil {
				t.Fatal(err)
			}
			if l.Type, _, err = h.ContentType(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	const text = "View this data in Looker: https://looker.example.com/looks/1\r\n\r\nResults are attached.\r\n"
	for name, tt := range map[string]struct {
		implicit bool
		env      answers
		form     answers
		address  string
		to       []string
		user     string
		want     letter
	}{
		"STARTTLS": {
			address: "example.com:587", to: []string{"ann@example.com"}, user: "hub",
			want: letter{To: "<ann@example.com>", Subject: "Orders by day", Text: text, Filename: "Orders by day.csv"},
		},
		"implicit TLS, another port, no authentication": {
			implicit: true,
			env:      answers{"EMAIL_SMTP_TLS": "implicit", "EMAIL_SMTP_PORT": "2465", "EMAIL_SMTP_USERNAME": "", "EMAIL_SMTP_PASSWORD": ""},
			address:  "example.com:2465", to: []string{"ann@example.com"},
			want: letter{To: "<ann@example.com>", Subject: "Orders by day", Text: text, Filename: "Orders by day.csv"},
		},
		"all answers": {
			implicit: true,
			env:      answers{"EMAIL_SMTP_TLS": "implicit", "EMAIL_ALLOWED_DOMAINS": "example.com, example.net"},
			form:     answers{"to": "Ann <ann@example.com>; bo@example.net,ann@example.com", "subject": "Für {title}:\r\nBcc: eve@example.com", "message": "Hällo\n.\n", "filename": "Größe"},
			address:  "example.com:465", to: []string{"ann@example.com", "bo@example.net"}, user: "hub",
			want: letter{
				To: `"Ann" <ann@example.com> <bo@example.net>`, Subject: "Für Orders by day: Bcc: eve@example.com",
				Text: "Hällo\r\n.\r\n\r\n" + text, Filename: "Größe.csv",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, tt.implicit)
			i := actiontest.New(t, email.New, f.Deps(env(tt.env)))
			if _, err := i.Execute(t.Context(), query(t, tt.form)); err != nil {
				t.Fatal(err)
			}
			mails := f.Mails()
			if len(mails) != 1 {
				t.Fatalf("%d mails arrived, want 1", len(mails))
			}
			tt.want.From, tt.want.Auto, tt.want.Type, tt.want.File = "Lööker looker@mail.example.org", "auto-generated", "text/csv", csv
			if diff := cmp.Diff(tt.want, read(t, mails[0].Data)); diff != "" {
				t.Errorf("mail (-want +got):\n%s", diff)
			}
			mails[0].Data = ""
			if diff := cmp.Diff(mailtest.Delivered{User: tt.user, From: "looker@mail.example.org", To: tt.to}, mails[0]); diff != "" {
				t.Errorf("envelope (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{tt.address}, f.Dialled()); diff != "" {
				t.Errorf("dialled (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	many := ""
	for n := range 101 {
		many += strings.Repeat("x", n+1) + "@example.com,"
	}
	for name, tt := range map[string]struct {
		to, message string
	}{
		"no recipient":   {"", `"to" is required.`},
		"no address":     {"ann", "This is not a valid e-mail address: ann"},
		"SMTP parameter": {`"thief@evil.example> ORCPT=rfc822;a"@example.com`, `This is not a valid e-mail address: "thief@evil.example> ORCPT=rfc822;a"@example.com`},
		"another domain": {"ann@example.org", "The hub allows mail to these domains only: example.com, example.net."},
		"too many":       {many, "There are 101 recipients. A mail can have at most 100."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, email.New, action.Deps{Env: env(answers{"EMAIL_ALLOWED_DOMAINS": "example.com, example.net"})}) // a dial would panic
			_, err := i.Execute(t.Context(), query(t, answers{"to": tt.to}))
			e, ok := errors.AsType[*action.Error](err)
			if !ok {
				t.Fatalf("error %v, want %q", err, tt.message)
			}
			e.Err = nil // for the log
			if diff := cmp.Diff(action.InvalidField("to", "%s", tt.message), e); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func reply(code int, enhanced smtp.EnhancedCode) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "quoted: ann@example.com " + secret}
}

// Whatever goes wrong, a mail reaches all of its recipients or none, and none of them twice.
func TestServerFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		step    string
		reply   error
		kind    action.Kind
		message string
		field   string
	}{
		"the password":  {"auth", reply(535, smtp.EnhancedCode{5, 7, 8}), action.Unauthenticated, "example.com rejected the hub's user name and password (535 5.7.8).", ""},
		"the sender":    {"from", reply(550, smtp.EnhancedCode{5, 7, 1}), action.Forbidden, "example.com rejected the hub's sender (550 5.7.1).", ""},
		"a recipient":   {"to:bo@example.com", reply(550, smtp.EnhancedCode{5, 1, 1}), action.Invalid, "example.com rejected one of the recipients (550 5.1.1). No recipient received it.", "to"},
		"the size":      {"end", reply(552, smtp.EnhancedCode{5, 3, 4}), action.TooLarge, "The mail is too large for example.com (552 5.3.4).", ""},
		"the content":   {"end", reply(554, smtp.EnhancedCode{5, 6, 0}), action.Invalid, "example.com rejected the mail (554 5.6.0).", ""},
		"no enhanced":   {"end", reply(554, smtp.NoEnhancedCode), action.Invalid, "example.com rejected the mail (554).", ""},
		"no last reply": {"end", nil, action.Unavailable, "The connection to example.com failed. The mail may already have been sent. Check before retrying.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, false)
			if tt.reply != nil {
				f.Refuse = func(step string, _ int) error {
					if step == tt.step {
						return tt.reply
					}
					return nil
				}
			} else {
				f.Deaf = func(step string, _ int) bool { return step == tt.step }
			}
			i := actiontest.New(t, email.New, f.Deps(env(nil)))
			_, err := i.Execute(t.Context(), query(t, answers{"to": "ann@example.com,bo@example.com"}))
			e, ok := err.(*action.Error) //nolint:errorlint // Looker gets the outermost error
			if !ok {
				t.Fatalf("error %#v, want %q", err, tt.message)
			}
			if e.Message != tt.message {
				t.Errorf("message %q, want %q", e.Message, tt.message)
			}
			if e.Kind != tt.kind {
				t.Errorf("kind %v, want %v", e.Kind, tt.kind)
			}
			if got, want := e.Fields[tt.field] != "", tt.field != ""; got != want {
				t.Errorf("message for the field %q: %v, want %v", tt.field, got, want)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "@") {
				t.Errorf("the error contains a secret or an address: %v", err)
			}
			if tt.reply != nil && len(f.Mails()) != 0 {
				t.Errorf("%d mails arrived, want none", len(f.Mails()))
			}
			if got := len(f.Dialled()); got != 1 {
				t.Errorf("%d attempts, want 1", got)
			}
		})
	}
}

// A mail that the server has certainly not taken goes again, as the same mail.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		step string
		deaf bool
	}{
		"a recipient later": {"to:ann@example.com", false}, "the mail later": {"end", false}, "cut before the mail": {"from", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, false)
			f.Deaf = func(step string, nth int) bool { return tt.deaf && step == tt.step && nth == 1 }
			f.Refuse = func(step string, nth int) error {
				if !tt.deaf && step == tt.step && nth == 1 {
					return reply(451, smtp.EnhancedCode{4, 7, 1})
				}
				return nil
			}
			i := actiontest.New(t, email.New, f.Deps(env(nil)))
			if _, err := i.Execute(t.Context(), query(t, nil)); err != nil {
				t.Fatal(err)
			}
			mails := f.Mails()
			if len(mails) != 1 {
				t.Fatalf("%d mails arrived, want 1", len(mails))
			}
			if got := read(t, mails[0].Data).File; got != csv {
				t.Errorf("file %q, want %q", got, csv)
			}
			if got := len(f.Dialled()); got != 2 {
				t.Errorf("%d attempts, want 2", got)
			}
		})
	}
}

func TestConnection(t *testing.T) {
	t.Parallel()
	t.Run("another certificate", func(t *testing.T) {
		t.Parallel()
		for _, implicit := range []bool{false, true} {
			f := mailtest.New(t, implicit)
			f.Roots = x509.NewCertPool()
			security := answers{"EMAIL_SMTP_TLS": map[bool]string{false: "starttls", true: "implicit"}[implicit]}
			i := actiontest.New(t, email.New, f.Deps(env(security)))
			_, err := i.Execute(t.Context(), query(t, nil))
			if got, want := action.MessageOf(err), "The hub does not trust the certificate of example.com."; got != want {
				t.Errorf("message %q, want %q", got, want)
			}
			if got := action.KindOf(err); got != action.Forbidden {
				t.Errorf("kind %v, want %v", got, action.Forbidden)
			}
			if got := len(f.Mails()); got != 0 {
				t.Errorf("%d mails arrived, want none", got)
			}
		}
	})
	t.Run("the egress policy", func(t *testing.T) {
		t.Parallel()
		deps := action.Deps{Env: env(answers{"EMAIL_SMTP_HOST": "127.0.0.1"}), Dial: outbound.Dialer(outbound.Policy{})}
		_, err := actiontest.New(t, email.New, deps).Execute(t.Context(), query(t, nil))
		if !errors.Is(err, outbound.ErrForbiddenAddress) || action.MessageOf(err) != "The hub's egress policy does not allow a connection to 127.0.0.1." {
			t.Errorf("error %v", err)
		}
	})
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { _ = theirs.Close() })
			return ours, nil
		}
		i := actiontest.New(t, email.New, action.Deps{Env: env(nil), Dial: silent})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t, nil))
		if got, want := time.Since(start), 5*time.Minute; got != want {
			t.Errorf("it took %v, want %v", got, want)
		}
		if got, want := action.MessageOf(err), "example.com did not respond in time."; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
		if got := action.KindOf(err); got != action.Timeout {
			t.Errorf("kind %v, want %v", got, action.Timeout)
		}
	})
}

// broken is data whose second half cannot be read from the spool.
type broken struct{ action.Data }

func (broken) Spool(context.Context, int64) (action.Blob, error) { return brokenBlob{}, nil }

type brokenBlob struct{ action.Blob }

var errSpool = errors.New("the disk is gone")

func (brokenBlob) Size() int64  { return 1 << 20 }
func (brokenBlob) Close() error { return nil }
func (brokenBlob) ReadAt(p []byte, at int64) (int, error) {
	if at > 1<<19 {
		return 0, errSpool
	}
	return len(p), nil
}

// A mail that breaks off midway never looks whole to the server.
func TestBreaksOffMidway(t *testing.T) {
	t.Parallel()
	f := mailtest.New(t, false)
	i := actiontest.New(t, email.New, f.Deps(env(nil)))
	req := query(t, nil)
	req.Data = broken{req.Data}
	_, err := i.Execute(t.Context(), req)
	if !errors.Is(err, errSpool) {
		t.Errorf("error %v, want %v", err, errSpool)
	}
	if got, want := action.MessageOf(err), "The hub could not read the data that it had fetched."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got := len(f.Mails()); got != 0 {
		t.Errorf("%d mails arrived, want none", got)
	}
	if got := len(f.Dialled()); got != 1 {
		t.Errorf("%d attempts, want 1", got)
	}
}

// The settings of connections reach the server.
func TestConnectionSettings(t *testing.T) {
	t.Parallel()
	anonymous := answers{"EMAIL_SMTP_USERNAME": "", "EMAIL_SMTP_PASSWORD": ""}
	for name, tt := range map[string]struct {
		env     func(f *mailtest.Server) answers
		address string
		hellos  []string
	}{
		"the sender's domain in EHLO": {
			func(*mailtest.Server) answers { return nil }, "example.com:587", []string{"mail.example.org", "mail.example.org"},
		},
		"a name for EHLO": {
			func(*mailtest.Server) answers { return answers{"EMAIL_SMTP_EHLO_NAME": "hub.bücher.example."} },
			"example.com:587",
			[]string{"hub.xn--bcher-kva.example", "hub.xn--bcher-kva.example"},
		},
		"an address for EHLO": {
			func(*mailtest.Server) answers { return answers{"EMAIL_SMTP_EHLO_NAME": "[IPv6:2001:db8::1]"} },
			"example.com:587",
			[]string{"[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"},
		},
		"an authority of its own": {
			func(f *mailtest.Server) answers {
				f.Roots = x509.NewCertPool()
				return answers{"EMAIL_SMTP_CA": strings.ReplaceAll(f.CA, "\n", `\n`)}
			},
			"example.com:587",
			[]string{"mail.example.org", "mail.example.org"},
		},
		"no TLS": {
			func(f *mailtest.Server) answers {
				f.WithoutTLS()
				all := answers{"EMAIL_SMTP_TLS": "none"}
				maps.Copy(all, anonymous)
				return all
			},
			"example.com:25",
			[]string{"mail.example.org"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, false)
			i := actiontest.New(t, email.New, f.Deps(env(tt.env(f))))
			if _, err := i.Execute(t.Context(), query(t, nil)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tt.address}, f.Dialled()); diff != "" {
				t.Errorf("dialled (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.hellos, f.Hellos()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

// A file past what is kept in memory arrives whole, and is encoded on the way.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	f := mailtest.New(t, false)
	i := actiontest.New(t, email.New, f.Deps(env(nil)))
	req := actiontest.Download(t, actiontest.Query(nil, answers{"to": "ann@example.com"}), func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if got := read(t, f.Mails()[0].Data).File; got != string(data) {
		t.Errorf("%d bytes arrived, want %d", len(got), len(data))
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, email.New, action.Deps{Env: env(answers{"EMAIL_MAX_MB": "1"})}) // a dial would panic
	req := actiontest.Download(t, actiontest.Query(nil, answers{"to": "ann@example.com"}), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 800_000))
	})
	if _, err := i.Execute(t.Context(), req); action.KindOf(err) != action.TooLarge {
		t.Errorf("error %v (%v)", err, action.KindOf(err))
	}
}

func TestWithoutData(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		serve   http.HandlerFunc
		message string
	}{
		"broken off": {actiontest.BrokenDownload(csv), "The download from Looker ended before the data was complete."},
		"empty":      {func(http.ResponseWriter, *http.Request) {}, "Looker sent no data."},
		"none":       {nil, "The request came without data."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, email.New, action.Deps{Env: env(nil)}) // a dial would panic
			req := actiontest.Query(nil, answers{"to": "ann@example.com"})
			if tt.serve != nil {
				actiontest.Download(t, req, tt.serve)
			}
			if _, err := i.Execute(t.Context(), req); action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
}

// Dates in a file's name are replaced, and a CSV file can begin with a byte order mark.
func TestFileOptions(t *testing.T) {
	t.Parallel()
	f := mailtest.New(t, false)
	i := actiontest.New(t, email.New, f.Deps(env(nil)))
	req := query(t, answers{"filename": "orders {date}", "byte_order_mark": "yes", "time_zone": "Asia/Tokyo"})
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	got := read(t, f.Mails()[0].Data)
	if !regexp.MustCompile(`^orders \d{4}-\d\d-\d\d\.csv$`).MatchString(got.Filename) {
		t.Errorf("the file's name is %q", got.Filename)
	}
	if got.File != "\ufeff"+csv {
		t.Errorf("the file is %q", got.File)
	}
	_, err := i.Execute(t.Context(), query(t, answers{"time_zone": "Tokyo"}))
	if action.KindOf(err) != action.Invalid {
		t.Errorf("error %v", err)
	}
}
