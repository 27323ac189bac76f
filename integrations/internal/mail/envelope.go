package mail

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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

// checkSize compares a mail with the size that the server announces (RFC 1870, section 4), before it is sent in
// vain. Size is an estimate, so that only mails are rejected that are certainly too large.
func (s session) checkSize(c *smtp.Client, m Mail) error {
	_, announced := c.Extension("SIZE")
	limit, _ := strconv.ParseInt(strings.TrimSpace(announced), 10, 64)
	if limit <= 0 || m.Size <= limit { // 0 and nothing mean that there is no fixed limit
		return nil
	}
	return action.Errorf(action.TooLarge, "The mail has %d bytes. The limit of %s is %d.", m.Size, s.Host, limit)
}

// mailOptions requests SMTPUTF8 if an address needs it (RFC 6531).
func (s session) mailOptions(c *smtp.Client, m Mail) (*smtp.MailOptions, error) {
	all := append([]string{m.From}, m.To...)
	n := slices.IndexFunc(all, mailbox.NeedsSMTPUTF8)
	if n < 0 {
		return &smtp.MailOptions{}, nil
	}
	if ok, _ := c.Extension("SMTPUTF8"); !ok {
		e := action.Errorf(action.Invalid, "%s accepts only ASCII characters before the @ of an address: %s", s.Host, all[n])
		if n > 0 {
			return nil, e.WithField("to")
		}
		return nil, e
	}
	return &smtp.MailOptions{UTF8: true}, nil
}
