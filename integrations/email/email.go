// Package email sends query results and dashboards as email attachments through the company's own mail
// server.
package email

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	netmail "net/mail"
	"net/netip"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/mail"
	"integrationhub.dev/integrations/internal/mailbox"
	"integrationhub.dev/integrations/internal/message"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's environment variables.
type settings struct {
	Host string `env:"EMAIL_SMTP_HOST,required,notEmpty"`
	// Port defaults to 587 for STARTTLS and 465 for implicit TLS (RFC 8314).
	Port     int           `env:"EMAIL_SMTP_PORT"`
	TLS      security      `env:"EMAIL_SMTP_TLS" envDefault:"starttls"`
	Username string        `env:"EMAIL_SMTP_USERNAME"`
	Password action.Secret `env:"EMAIL_SMTP_PASSWORD"`
	From     sender        `env:"EMAIL_FROM,required,notEmpty"`
	// AllowedDomains are the allowed domains of recipients. Empty allows all.
	AllowedDomains []string `env:"EMAIL_ALLOWED_DOMAINS"`
	// MaxMegabytes limits the size of an encoded mail.
	MaxMegabytes int64 `env:"EMAIL_MAX_MB" envDefault:"25"`
	// Hello is the name that the hub gives to the server; the domain of From by default.
	Hello helloName `env:"EMAIL_SMTP_EHLO_NAME"`
	// CA is the authority of the server's certificate, in place of those that the hub trusts.
	CA    authority `env:"EMAIL_SMTP_CA"`
	OAuth oauthSettings
}

// input is what the user enters.
type input struct {
	To      string `form:"to,required"`
	Subject string `form:"subject"`
	Message string `form:"message"`
}

// maxRecipients is the number that every mail server must accept (RFC 5321, section 4.5.3.1.8).
const maxRecipients = 100

// Integration sends mail.
type Integration struct {
	deps   action.Deps
	server mail.Server
	from   netmail.Address
	// domains are the allowed domains of recipients. Empty allows all.
	domains []string
	// max is the maximum size of a mail in bytes.
	max int64
}

// New makes the integration. It needs a mail server and a sender.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	for n, domain := range s.AllowedDomains {
		s.AllowedDomains[n] = strings.TrimSpace(domain)
	}
	return &Integration{
		deps: deps, server: s.server(deps), from: netmail.Address(s.From), domains: s.AllowedDomains, max: s.MaxMegabytes << 20,
	}, nil
}

// server is the mail server and how the hub signs in to it.
func (s settings) server(deps action.Deps) mail.Server {
	server := mail.Server{
		Host: s.Host, Port: cmp.Or(s.Port, mail.Security(s.TLS).Port()), Security: mail.Security(s.TLS),
		Hello: string(s.Hello), Roots: s.CA.pool, Username: s.Username, Password: s.Password,
	}
	if s.OAuth.used() {
		server.Username = cmp.Or(s.Username, s.From.Address)
		server.Token = newApp(s.OAuth, deps.HTTP).token
	}
	return server
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "email", Label: "Email",
		Description: "Send data files by e-mail through your own mail server.",
		Types:       []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:    action.URL,
		MinVersion:  action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: append([]action.Field{
		{
			Name: "to", Label: "To", Description: "Addresses, separated by commas. The recipients see each other.",
			Type: action.String, Required: true,
		},
		{Name: "subject", Label: "Subject", Description: "{title} is replaced by the plan's title, {date} by today's date, {link} by " +
			"the URL in Looker.", Type: action.String, Default: defaultSubject},
		{Name: "message", Label: "Message", Description: "Can contain the same placeholders.", Type: action.Textarea},
		{Name: "filename", Label: "Filename", Type: action.String},
	}, datafile.Fields()...)}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	to, err := message.Recipients("to", in.To, i.domains)
	if err != nil {
		return nil, err
	}
	if len(to) > maxRecipients {
		return nil, action.InvalidField("to", "There are %d recipients. A mail can have at most %d.", len(to), maxRecipients)
	}
	zone, err := datafile.Prepare(req)
	if err != nil {
		return nil, err
	}
	blob, err := req.Data.Spool(ctx, largestFile(i.max)) // incomplete data must not be sent
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	if blob.Size() == 0 {
		return nil, action.Errorf(action.Invalid, "Looker sent no data.")
	}
	if err := i.server.Send(ctx, i.deps, newMessage(&i.from, to, in, req, blob, zone.In(time.Now())).mail()); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

// security is how the connection to the mail server is encrypted.
type security mail.Security

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *security) UnmarshalText(text []byte) error {
	switch *s = security(text); mail.Security(*s) {
	case mail.StartTLS, mail.Implicit, mail.None:
		return nil
	}
	return errors.New("must be starttls or implicit, or none for a relay without TLS")
}

// helloName is a name for EHLO (RFC 5321, section 4.1.4).
type helloName string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *helloName) UnmarshalText(text []byte) error {
	name := strings.TrimSuffix(mailbox.DomainToASCII(strings.TrimSpace(string(text))), ".")
	if *h = helloName(name); name == "" {
		return nil
	}
	if isAddressLiteral(name) || isFullDomain(name) {
		return nil
	}
	return errors.New("must be a full domain name, such as hub.example.com, or an address in brackets, such as " +
		"[192.0.2.1] or [IPv6:2001:db8::1]")
}

// isAddressLiteral reports whether a name is an address literal (RFC 5321, section 4.1.3).
func isAddressLiteral(name string) bool {
	literal, open := strings.CutPrefix(name, "[")
	literal, closed := strings.CutSuffix(literal, "]")
	text, v6 := strings.CutPrefix(literal, "IPv6:")
	address, err := netip.ParseAddr(text)
	return open && closed && err == nil && address.Is6() == v6
}

func isFullDomain(name string) bool {
	_, err := netip.ParseAddr(name)
	return err != nil && strings.Contains(name, ".") && mailbox.Check("x@"+name) == nil
}

// authority is a certificate authority.
type authority struct{ pool *x509.CertPool }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *authority) UnmarshalText(text []byte) error {
	text = bytes.TrimSpace(bytes.ReplaceAll(text, []byte(`\n`), []byte("\n"))) // the lines are often joined in settings
	if len(text) == 0 {
		return nil
	}
	if a.pool = x509.NewCertPool(); !a.pool.AppendCertsFromPEM(text) {
		return errors.New("must be one or more certificates in PEM format")
	}
	return nil
}

// sender is the address that mail is sent from.
type sender netmail.Address

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *sender) UnmarshalText(text []byte) error {
	a, err := mailbox.ParseOne(string(text))
	if err != nil {
		return errors.New("must be an e-mail address, such as Looker <looker@example.com>")
	}
	*s = sender(*a)
	return nil
}

func (s settings) validate() error {
	switch plain := mail.Security(s.TLS) == mail.None; {
	case s.OAuth.used() && s.Password != "":
		return errors.New("EMAIL_SMTP_PASSWORD and EMAIL_OAUTH_CLIENT_SECRET cannot be combined")
	case !s.OAuth.used() && (s.Username == "") != (s.Password == ""):
		return errors.New("EMAIL_SMTP_USERNAME and EMAIL_SMTP_PASSWORD must be set together")
	case plain && (s.Username != "" || s.OAuth.used()):
		return errors.New("the hub does not sign in over an unencrypted connection: EMAIL_SMTP_TLS must not be none")
	case plain && s.CA.pool != nil:
		return errors.New("EMAIL_SMTP_CA needs a connection with TLS: EMAIL_SMTP_TLS must not be none")
	case s.MaxMegabytes < 1 || s.MaxMegabytes > 1024:
		return errors.New("EMAIL_MAX_MB must be from 1 to 1024")
	case s.Port < 0 || s.Port > 65535:
		return errors.New("EMAIL_SMTP_PORT is not a port")
	}
	if s.OAuth.used() {
		return s.OAuth.validate()
	}
	return nil
}
