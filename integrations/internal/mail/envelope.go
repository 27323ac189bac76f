package mail

import (
	"fmt"
	"slices"

	"github.com/emersion/go-smtp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/mailbox"
)

// checkEnvelope rejects addresses that could inject SMTP commands. The forms have checked them already,
// and this check protects against a missing one.
func (m Mail) checkEnvelope() error {
	for _, address := range append([]string{m.From}, m.To...) {
		if err := mailbox.Check(address); err != nil {
			return action.Wrap(fmt.Errorf("checking the envelope: %w", err), action.Invalid, "One of the mail's addresses is not a "+
				"valid e-mail address.")
		}
	}
	return nil
}

// mailOptions requests SMTPUTF8 if an address needs it (RFC 6531).
func (s session) mailOptions(c *smtp.Client, m Mail) (*smtp.MailOptions, error) {
	if !mailbox.NeedsSMTPUTF8(m.From) && !slices.ContainsFunc(m.To, mailbox.NeedsSMTPUTF8) {
		return &smtp.MailOptions{}, nil
	}
	if ok, _ := c.Extension("SMTPUTF8"); !ok {
		return nil, action.Errorf(action.Invalid, "%s accepts only ASCII characters before the @ of an address.", s.Host)
	}
	return &smtp.MailOptions{UTF8: true}, nil
}
