package sendgrid

import (
	"context"
	"net/mail"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/mailbox"
	"integrationhub.dev/integrations/internal/message"
)

// address is SendGrid's format of an address.
type address struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

// maxRecipients is the maximum number of recipients of a mail
// (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations).
const maxRecipients = 1000

// defaultSender is the sender if the user enters none.
var defaultSender = address{Email: "noreply@lookermail.com", Name: "Looker"}

// sender parses the sender's address.
func sender(text string) (address, error) {
	if strings.TrimSpace(text) == "" {
		return defaultSender, nil
	}
	parsed, err := mailbox.ParseOne(text)
	if err != nil || mailbox.NeedsSMTPUTF8(parsed.Address) {
		return address{}, action.InvalidField("from", "The sender is not an e-mail address.")
	}
	return toAddress(parsed), nil
}

// mailTo parses the recipients, without duplicates, because SendGrid rejects them.
func mailTo(text string, domains []string) ([]address, error) {
	if strings.TrimSpace(text) == "" {
		return nil, action.InvalidField("to", "Error: invalid email address")
	}
	parsed, err := message.Recipients("to", text, domains)
	if err != nil {
		return nil, err
	}
	if len(parsed) > maxRecipients {
		return nil, action.InvalidField("to", "There are %d recipients. SendGrid allows %d.", len(parsed), maxRecipients)
	}
	list := make([]address, len(parsed))
	for n, p := range parsed {
		if mailbox.NeedsSMTPUTF8(p.Address) {
			return nil, action.InvalidField("to", "SendGrid accepts only ASCII characters before the @ of an address: %s", p.Address)
		}
		list[n] = toAddress(p)
	}
	return list, nil
}

// toAddress removes the characters that SendGrid does not allow in a name.
func toAddress(a *mail.Address) address {
	return address{Email: a.Address, Name: strings.NewReplacer(",", "", ";", "").Replace(a.Name)}
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: append([]action.Field{
		{Name: "to", Label: "To Email Address", Description: "e.g. test@example.com", Type: action.String, Required: true},
		{Name: "from", Label: "From Email Address", Description: "e.g. test@example.com", Type: action.String},
		{Name: "filename", Label: "Filename", Type: action.String},
		{Name: "subject", Label: "Subject", Type: action.String},
		{Name: "message", Label: "Message", Description: "In it and in the subject, {title} stands for the plan's title, {date} for " +
			"today, {link} for the address in Looker.", Type: action.Textarea},
	}, datafile.Fields()...)}, nil
}
