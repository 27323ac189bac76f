package email

import (
	"errors"
	netmail "net/mail"

	"integrationhub.dev/integrations/internal/mail"
	"integrationhub.dev/integrations/internal/mailbox"
)

// security is how the connection to the mail server is encrypted.
type security mail.Security

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *security) UnmarshalText(text []byte) error {
	if *s = security(text); *s != security(mail.StartTLS) && *s != security(mail.Implicit) {
		return errors.New("EMAIL_SMTP_TLS must be starttls or implicit")
	}
	return nil
}

// sender is whom mail comes from.
type sender netmail.Address

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *sender) UnmarshalText(text []byte) error {
	a, err := mailbox.Parse(string(text))
	if err != nil {
		return errors.New("EMAIL_FROM must be an e-mail address, such as Looker <looker@example.com>")
	}
	*s = sender(*a)
	return nil
}

func (s settings) validate() error {
	switch {
	case (s.Username == "") != (s.Password == ""):
		return errors.New("EMAIL_SMTP_USERNAME and EMAIL_SMTP_PASSWORD belong together")
	case s.MaxMegabytes < 1 || s.MaxMegabytes > 1024:
		return errors.New("EMAIL_MAX_MB must be from 1 to 1024")
	case s.Port < 0 || s.Port > 65535:
		return errors.New("EMAIL_SMTP_PORT is not a port")
	}
	return nil
}
