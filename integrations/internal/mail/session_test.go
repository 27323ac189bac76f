package mail_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/mail"
	"integrationhub.dev/integrations/internal/mail/mailtest"
)

// account is a server with the hub's account.
func account() mail.Server {
	return mail.Server{
		Host: "example.com", Port: 587, Security: mail.StartTLS, Username: mailtest.Username, Password: mailtest.Password,
	}
}

// Google's relay refuses a client that calls itself localhost, also before STARTTLS.
func TestHelloName(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		implicit   bool
		from, name string
		local      net.IP
		want       []string
	}{
		"the sender's domain, before and after STARTTLS": {false, "hub@mail.example.org", "", nil, []string{"mail.example.org", "mail.example.org"}},
		"the sender's domain, with implicit TLS":         {true, "hub@mail.example.org", "", nil, []string{"mail.example.org"}},
		"a setting":                                      {false, "hub@mail.example.org", "hub.example.net", nil, []string{"hub.example.net", "hub.example.net"}},
		"an address literal as the setting":              {true, "hub@mail.example.org", "[192.0.2.9]", nil, []string{"[192.0.2.9]"}},
		"a sender without a domain":                      {false, "root@localhost", "", net.IPv4(192, 0, 2, 1), []string{"[192.0.2.1]", "[192.0.2.1]"}},
		"a sender without a domain, over IPv6":           {true, "root@localhost", "", net.ParseIP("2001:db8::1"), []string{"[IPv6:2001:db8::1]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, tt.implicit)
			s := account()
			s.Hello = tt.name
			if tt.implicit {
				s.Security = mail.Implicit
			}
			deps := f.Deps(nil)
			deps.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := f.Dial(ctx, network, address)
				return at{conn, tt.local}, err
			}
			if err := s.Send(t.Context(), deps, message(tt.from, "ann@example.com")); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, f.Hellos()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

// at is a connection from an IP address.
type at struct {
	net.Conn
	ip net.IP
}

func (a at) LocalAddr() net.Addr { return &net.TCPAddr{IP: a.ip} }

// What a server refuses for good is said, and not tried again.
func TestReplies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		step    string
		code    int
		ext     smtp.EnhancedCode
		text    string
		kind    action.Kind
		message string
	}{
		"the name": {
			step: "hello", code: 550, ext: smtp.EnhancedCode{5, 7, 1}, text: "Invalid HELO name",
			kind: action.Forbidden, message: "example.com rejected the hub's connection (550 5.7.1).",
		},
		"Microsoft without password": {
			step: "auth", code: 550, ext: smtp.EnhancedCode{5, 7, 30},
			text: "Basic authentication is not supported for Client Submission.", kind: action.Unauthenticated,
			message: "example.com no longer accepts a user name and a password. The hub must sign in by OAuth 2.0 (550 5.7.30).",
		},
		"SMTP AUTH of the tenant": {
			step: "auth", code: 535, ext: smtp.EnhancedCode{5, 7, 139},
			text:    "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.",
			kind:    action.Unauthenticated,
			message: "example.com does not allow the hub to sign in: authenticated SMTP is turned off for the organization. A Microsoft 365 administrator must allow Authenticated SMTP for the hub's mailbox (535 5.7.139).",
		},
		"SMTP AUTH of the mailbox": {
			step: "auth", code: 535, ext: smtp.EnhancedCode{5, 7, 139},
			text:    "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
			kind:    action.Unauthenticated,
			message: "example.com does not allow the hub to sign in: authenticated SMTP is turned off for its mailbox. A Microsoft 365 administrator must allow Authenticated SMTP for the hub's mailbox (535 5.7.139).",
		},
		"security defaults": {
			step: "auth", code: 535, ext: smtp.EnhancedCode{5, 7, 139},
			text:    "Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.",
			kind:    action.Unauthenticated,
			message: "example.com does not accept a user name and a password: the organization's security defaults block them. The hub must sign in by OAuth 2.0 (535 5.7.139).",
		},
		"basic authentication off": {
			step: "auth", code: 535, ext: smtp.EnhancedCode{5, 7, 139},
			text: "Authentication unsuccessful, basic authentication is disabled.", kind: action.Unauthenticated,
			message: "example.com does not accept a user name and a password: basic authentication is turned off. The hub must sign in by OAuth 2.0 (535 5.7.139).",
		},
		"Conditional Access": {
			step: "auth", code: 535, ext: smtp.EnhancedCode{5, 7, 139},
			text:    "Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator.",
			kind:    action.Unauthenticated,
			message: "example.com does not allow the hub to sign in: a policy of the organization, such as Conditional Access, blocks it (535 5.7.139).",
		},
		"a wrong password, 5.7.139": {
			step: "auth", code: 535, ext: smtp.EnhancedCode{5, 7, 139},
			text:    "Authentication unsuccessful, the user credentials were incorrect.",
			kind:    action.Unauthenticated,
			message: "example.com rejected the hub's user name and password (535 5.7.139).",
		},
		"the way to sign in": {
			step: "auth", code: 504, ext: smtp.EnhancedCode{5, 7, 4}, text: "Unrecognized authentication type",
			kind:    action.Unauthenticated,
			message: "example.com does not support the hub's way to sign in (504 5.7.4).",
		},
		"no sign-in": {
			step: "auth", code: 503, ext: smtp.EnhancedCode{5, 5, 1},
			text: "AUTH command used when not advertised", kind: action.Invalid,
			message: "example.com does not offer signing in on this port (503 5.5.1).",
		},
		"an app password": {
			step: "auth", code: 534, ext: smtp.EnhancedCode{5, 7, 9},
			text: "Application-specific password required.", kind: action.Unauthenticated,
			message: "example.com requires an app password instead of the account's password (534 5.7.9).",
		},
		"sign-in for the sender": {
			step: "from", code: 530, ext: smtp.EnhancedCode{5, 7, 0}, text: "Authentication Required.",
			kind: action.Unauthenticated, message: "example.com requires signing in (530 5.7.0).",
		},
		"sign-in by Exchange": {
			step: "from", code: 530, ext: smtp.EnhancedCode{5, 7, 57},
			text: "Client not authenticated to send mail.", kind: action.Unauthenticated,
			message: "example.com requires signing in (530 5.7.57).",
		},
		"encryption": {
			step: "from", code: 530, ext: smtp.EnhancedCode{5, 7, 0}, text: "Must issue a STARTTLS command first",
			kind:    action.Invalid,
			message: "example.com requires encryption (STARTTLS), which the hub is set not to use (530 5.7.0).",
		},
		"Send As": {
			step: "end", code: 554, ext: smtp.EnhancedCode{5, 2, 252},
			text: "SendAsDenied; hub@example.com not allowed to send as x", kind: action.Forbidden,
			message: "example.com does not allow the hub's account to send as its sender. It needs the permission Send As (554 5.2.252).",
		},
		"Send As at the sender": {
			step: "from", code: 550, ext: smtp.EnhancedCode{5, 7, 60},
			text: "SMTP; Client does not have permissions to send as this sender", kind: action.Forbidden,
			message: "example.com does not allow the hub's account to send as its sender. It needs the permission Send As (550 5.7.60).",
		},
		"relaying": {
			step: "to:ann@example.com", code: 554, ext: smtp.EnhancedCode{5, 7, 1},
			text: "<ann@example.com>: Relay access denied", kind: action.Forbidden,
			message: "example.com does not relay mail for the hub. It requires signing in, or must allow the hub's IP address (554 5.7.1). No recipient received it.",
		},
		"relaying by Exchange": {
			step: "to:ann@example.com", code: 550, ext: smtp.EnhancedCode{5, 7, 54},
			text: "SMTP; Unable to relay recipient in non-accepted domain", kind: action.Forbidden,
			message: "example.com does not relay mail for the hub. It requires signing in, or must allow the hub's IP address (550 5.7.54). No recipient received it.",
		},
		"relaying without a code": {
			step: "to:ann@example.com", code: 550, ext: smtp.NoEnhancedCode, text: "relay not permitted",
			kind:    action.Forbidden,
			message: "example.com does not relay mail for the hub. It requires signing in, or must allow the hub's IP address (550). No recipient received it.",
		},
		"a policy for a recipient": {
			step: "to:ann@example.com", code: 550, ext: smtp.EnhancedCode{5, 7, 1}, text: "blocked",
			kind:    action.Forbidden,
			message: "A policy of example.com does not allow the mail to one of the recipients (550 5.7.1). No recipient received it.",
		},
		"too many recipients": {
			step: "to:ann@example.com", code: 452, ext: smtp.EnhancedCode{4, 5, 3}, text: "Too many recipients",
			kind:    action.Invalid,
			message: "example.com does not accept this many recipients for one mail (452 4.5.3). No recipient received it.",
		},
		"a full mailbox": {
			step: "to:ann@example.com", code: 552, ext: smtp.EnhancedCode{5, 2, 2}, text: "over quota",
			kind:    action.Invalid,
			message: "The mailbox of one of the recipients is full, according to example.com (552 5.2.2). No recipient received it.",
		},
		"a daily limit": {
			step: "to:ann@example.com", code: 550, ext: smtp.EnhancedCode{5, 4, 5}, text: "Daily user sending limit exceeded.",
			kind:    action.RateLimited,
			message: "The hub has used up the number of mails that example.com accepts from it in a day (550 5.4.5). No recipient received it.",
		},
		"the size at the sender": {
			step: "from", code: 552, ext: smtp.EnhancedCode{5, 3, 4}, text: "Message size exceeds fixed limit",
			kind: action.TooLarge, message: "The mail is too large for example.com (552 5.3.4).",
		},
		"the size without a code": {
			step: "end", code: 552, ext: smtp.NoEnhancedCode, text: "too big", kind: action.TooLarge,
			message: "The mail is too large for example.com (552).",
		},
		"the size of a mailbox": {
			step: "to:ann@example.com", code: 550, ext: smtp.EnhancedCode{5, 2, 3},
			text: "RESOLVER.RST.RecipSizeLimit; message too large for this recipient", kind: action.TooLarge,
			message: "The mail is too large for example.com (550 5.2.3). No recipient received it.",
		},
		"523": {
			step: "end", code: 523, ext: smtp.NoEnhancedCode, text: "the mailbox cannot take a mail of this size",
			kind: action.TooLarge, message: "The mail is too large for example.com (523).",
		},
		"SPF": {
			step: "end", code: 550, ext: smtp.EnhancedCode{5, 7, 23}, text: "SPF validation failed",
			kind:    action.Forbidden,
			message: "example.com rejected the mail: the SPF record of the sender's domain does not allow the mail server (550 5.7.23).",
		},
		"DMARC": {
			step: "end", code: 550, ext: smtp.EnhancedCode{5, 7, 26},
			text: "Unauthenticated email is not accepted due to domain's DMARC policy", kind: action.Forbidden,
			message: "example.com rejected the mail: SPF, DKIM and DMARC do not authenticate the sender's domain (550 5.7.26).",
		},
		"a policy": {
			step: "end", code: 550, ext: smtp.EnhancedCode{5, 7, 1},
			text: "This message violates example.com email policy", kind: action.Forbidden,
			message: "A policy of example.com does not allow the mail (550 5.7.1).",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, false)
			f.Refuse = func(step string, _ int) error {
				if step == tt.step {
					return &smtp.SMTPError{Code: tt.code, EnhancedCode: tt.ext, Message: tt.text}
				}
				return nil
			}
			checkRefused(t, f, account(), tt.kind, tt.message)
		})
	}
}

// checkRefused sends a mail and compares the error. The server must not be asked again, nor receive anything.
func checkRefused(t *testing.T, f *mailtest.Server, s mail.Server, kind action.Kind, message string) {
	t.Helper()
	err := s.Send(t.Context(), f.Deps(nil), mail.Mail{From: "hub@example.com", To: []string{"ann@example.com"}, Size: 2000, Write: write})
	if got := action.MessageOf(err); got != message {
		t.Errorf("message %q, want %q", got, message)
	}
	if got := action.KindOf(err); got != kind {
		t.Errorf("kind %v, want %v", got, kind)
	}
	if n := len(f.Dialled()); n > 1 {
		t.Errorf("%d attempts, want one at most", n)
	}
	if n := len(f.Mails()); n != 0 {
		t.Errorf("%d mails arrived, want none", n)
	}
	if err != nil && strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error contains a secret: %v", err)
	}
}

func write(w io.Writer) error {
	_, err := io.WriteString(w, "Subject: x\r\n\r\ny\r\n")
	return err
}

// A refused recipient is named next to the form's field, and not in the log.
func TestRefusedRecipientIsNamed(t *testing.T) {
	t.Parallel()
	f := mailtest.New(t, false)
	f.Refuse = func(step string, _ int) error {
		if step == "to:bob@example.com" {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "User unknown"}
		}
		return nil
	}
	err := account().Send(t.Context(), f.Deps(nil), message("hub@example.com", "ann@example.com", "bob@example.com"))
	e, ok := errors.AsType[*action.Error](err)
	if !ok {
		t.Fatalf("error %v", err)
	}
	want := map[string]string{"to": "bob@example.com: example.com rejected one of the recipients (550 5.1.1). No recipient received it."}
	if diff := cmp.Diff(want, e.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if strings.Contains(err.Error(), "@") {
		t.Errorf("the error contains an address: %v", err)
	}
}

// Replies that ask for another attempt get one.
func TestTemporaryReplies(t *testing.T) {
	t.Parallel()
	for step, code := range map[string]int{"hello": 421, "auth": 454, "from": 421, "end": 451} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, true)
			f.Refuse = func(at string, nth int) error {
				if at == step && nth == 1 {
					return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Try again later"}
				}
				return nil
			}
			s := account()
			s.Security = mail.Implicit
			if err := s.Send(t.Context(), f.Deps(nil), message("hub@example.com", "ann@example.com")); err != nil {
				t.Fatal(err)
			}
			if got := len(f.Dialled()); got != 2 {
				t.Errorf("%d attempts, want 2", got)
			}
		})
	}
}

func TestEncryption(t *testing.T) {
	t.Parallel()
	t.Run("no STARTTLS", func(t *testing.T) {
		t.Parallel()
		f := mailtest.New(t, false)
		f.WithoutTLS()
		checkRefused(t, f, account(), action.Invalid, "example.com does not offer encryption (STARTTLS) on port 587. Nothing was sent.")
		if got := f.Said(); got != nil {
			t.Errorf("the server was sent %q to sign in", got)
		}
	})
	t.Run("STARTTLS where TLS is expected", func(t *testing.T) {
		t.Parallel()
		s := account()
		s.Security = mail.Implicit
		checkRefused(t, mailtest.New(t, false), s, action.Invalid, "example.com does not use TLS from the start on port 587. It may require STARTTLS.")
	})
	t.Run("another host name", func(t *testing.T) {
		t.Parallel()
		s := account()
		s.Host = "relay.corp.example"
		checkRefused(t, mailtest.New(t, false), s, action.Forbidden, "The certificate of relay.corp.example is for another host name.")
	})
	t.Run("another authority", func(t *testing.T) {
		t.Parallel()
		f := mailtest.New(t, false)
		f.Roots = nil
		checkRefused(t, f, account(), action.Forbidden, "The hub does not trust the certificate of example.com.")
	})
	t.Run("the server's own authority", func(t *testing.T) {
		t.Parallel()
		f := mailtest.New(t, false)
		s := account()
		s.Roots, f.Roots = f.Roots, nil
		if err := s.Send(t.Context(), f.Deps(nil), message("hub@example.com", "ann@example.com")); err != nil {
			t.Error(err)
		}
	})
	t.Run("none, for a relay without TLS", func(t *testing.T) {
		t.Parallel()
		f := mailtest.New(t, false)
		f.WithoutTLS()
		if err := (mail.Server{Host: "example.com", Port: 25, Security: mail.None}).Send(t.Context(), f.Deps(nil), message("hub@example.com", "ann@example.com")); err != nil {
			t.Fatal(err)
		}
		if got := len(f.Mails()); got != 1 {
			t.Errorf("%d mails arrived, want 1", got)
		}
	})
	t.Run("none, with a password", func(t *testing.T) {
		t.Parallel()
		f := mailtest.New(t, false)
		f.WithoutTLS()
		s := account()
		s.Security = mail.None
		checkRefused(t, f, s, action.Invalid, "The hub does not sign in to example.com, because the connection is not encrypted.")
		if got := f.Dialled(); got != nil {
			t.Errorf("the server was called: %q", got)
		}
	})
}

// A server that does not know STARTTLS although it offers it, or sends more than a reply.
func TestStartTLSReplies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply   string
		kind    action.Kind
		message string
	}{
		"refused":            {"502 5.5.1 Command not implemented\r\n", action.Invalid, "example.com rejected encryption by STARTTLS (502 5.5.1)."},
		"refused, no code":   {"554 no\r\n", action.Invalid, "example.com rejected encryption by STARTTLS (554)."},
		"a command injected": {"220 go\r\n250 mail\r\n", action.Forbidden, "The connection to example.com is not safe: its reply to STARTTLS was tampered with."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dials := 0
			deps := action.Deps{Log: slog.New(slog.DiscardHandler), Dial: func(context.Context, string, string) (net.Conn, error) {
				dials++
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					_, _ = io.WriteString(theirs, "220 mail\r\n")
					lines := bufio.NewScanner(theirs)
					lines.Scan()
					_, _ = io.WriteString(theirs, "250-mail\r\n250 STARTTLS\r\n")
					lines.Scan()
					_, _ = io.WriteString(theirs, tt.reply)
				}()
				return ours, nil
			}}
			err := account().Send(t.Context(), deps, message("hub@example.com", "ann@example.com"))
			if got := action.MessageOf(err); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if dials != 1 {
				t.Errorf("%d attempts, want one", dials)
			}
		})
	}
}

// The server's announced limit is respected before the mail is sent.
func TestAnnouncedSize(t *testing.T) {
	t.Parallel()
	f := mailtest.New(t, false)
	f.MaxMessageBytes(1000)
	checkRefused(t, f, account(), action.TooLarge, "The mail has 2000 bytes. The limit of example.com is 1000.")
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	const bearer = "auth=Bearer " + mailtest.Token + "^A^A"
	for name, tt := range map[string]struct {
		offered []string
		token   string
		said    []string
		kind    action.Kind
		message string
	}{
		"none":                         {[]string{}, "", nil, action.Invalid, "example.com does not offer signing in on port 587, but the hub has a user name for it."},
		"password for OAuth":           {[]string{"XOAUTH2"}, "", nil, action.Unauthenticated, "example.com does not accept a user name and a password. It requires OAuth 2.0 (XOAUTH2)."},
		"password for others":          {[]string{"GSSAPI", "CRAM-MD5"}, "", nil, action.Unauthenticated, "example.com does not support a password authentication method that the hub supports. It supports: CRAM-MD5, GSSAPI."},
		"OAuth for a password":         {[]string{"PLAIN", "LOGIN"}, mailtest.Token, nil, action.Unauthenticated, "example.com does not accept OAuth 2.0. It offers: LOGIN, PLAIN."},
		"XOAUTH2":                      {[]string{"OAUTHBEARER", "XOAUTH2"}, mailtest.Token, []string{"XOAUTH2", "user=hub^A" + bearer}, 0, ""},
		"OAUTHBEARER":                  {[]string{"PLAIN", "OAUTHBEARER"}, mailtest.Token, []string{"OAUTHBEARER", "n,a=hub,^Ahost=example.com^Aport=587^A" + bearer}, 0, ""},
		"a wrong token by XOAUTH2":     {[]string{"XOAUTH2"}, "s3cret", []string{"XOAUTH2", "user=hub^Aauth=Bearer s3cret^A^A", ""}, action.Unauthenticated, "example.com rejected the hub's access token (535 5.7.3). The hub's app must be allowed to use its mailbox."},
		"a wrong token by OAUTHBEARER": {[]string{"OAUTHBEARER"}, "s3cret", []string{"OAUTHBEARER", "n,a=hub,^Ahost=example.com^Aport=587^Aauth=Bearer s3cret^A^A", "^A"}, action.Unauthenticated, "example.com rejected the hub's access token (535 5.7.3). The hub's app must be allowed to use its mailbox."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, false)
			f.Mechanisms = tt.offered
			s := account()
			if tt.token != "" {
				s.Token = func(context.Context) (action.Secret, error) { return action.Secret(tt.token), nil }
			}
			if tt.message != "" {
				checkRefused(t, f, s, tt.kind, tt.message)
			} else if err := s.Send(t.Context(), f.Deps(nil), message("hub@example.com", "ann@example.com")); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.said, f.Said()); diff != "" {
				t.Errorf("sign-in (-want +got):\n%s", diff)
			}
		})
	}
}
