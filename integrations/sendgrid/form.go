package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
	"io"
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

// recipients parses the recipients. A mail has each of them once, because SendGrid rejects duplicates.
func recipients(in input, domains []string) (personalization, error) {
	var p personalization
	if strings.TrimSpace(in.To) == "" {
		return p, action.InvalidField("to", "Error: invalid email address")
	}
	seen, count := map[string]bool{}, 0
	for _, f := range []struct {
		name, text string
		list       *[]address
	}{{"to", in.To, &p.To}, {"cc", in.CC, &p.CC}, {"bcc", in.BCC, &p.BCC}} {
		all, err := addresses(f.name, f.text, domains)
		if err != nil {
			return p, err
		}
		for _, a := range all {
			if key := strings.ToLower(a.Email); !seen[key] {
				seen[key] = true
				*f.list = append(*f.list, a)
			}
		}
		if count += len(*f.list); count > maxRecipients {
			return p, action.InvalidField(f.name, "There are %d recipients. SendGrid allows %d.", count, maxRecipients)
		}
	}
	return p, nil
}

// addresses parses the addresses in an optional form field.
func addresses(field, text string, domains []string) ([]address, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	parsed, err := message.Recipients(field, text, domains)
	if err != nil {
		return nil, err
	}
	list := make([]address, len(parsed))
	for n, p := range parsed {
		if mailbox.NeedsSMTPUTF8(p.Address) {
			return nil, action.InvalidField(field, "SendGrid accepts only ASCII characters before the @ of an address: %s", p.Address)
		}
		list[n] = toAddress(p)
	}
	return list, nil
}

// maxTemplateID is longer than any template's ID: "d-" and 32 digits.
const maxTemplateID = 100

// templateID checks the ID of a dynamic template
// (https://www.twilio.com/docs/sendgrid/ui/sending-email/how-to-send-an-email-with-dynamic-templates).
func templateID(text string) (string, error) {
	id := strings.TrimSpace(text)
	if id != "" && (!strings.HasPrefix(id, "d-") || len(id) > maxTemplateID) {
		return "", action.InvalidField("template_id", "This is not the ID of a dynamic template. It must start with d-.")
	}
	return id, nil
}

// templateData returns what a template can show: the user's data, and what a mail without a template contains. Strings can
// contain placeholders.
func templateData(text string, standard map[string]string, expand func(string) string) (map[string]any, error) {
	data := make(map[string]any, len(standard))
	for name, value := range standard {
		data[name] = value
	}
	if strings.TrimSpace(text) == "" {
		return data, nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // an ID keeps its digits
	var own map[string]any
	err := d.Decode(&own)
	if _, end := d.Token(); err != nil || own == nil || !errors.Is(end, io.EOF) {
		return nil, action.InvalidField("template_data", `The template data must be a JSON object, such as {"name": "Ann"}.`)
	}
	for name, value := range own {
		data[name] = expandAll(value, expand)
	}
	return data, nil
}

// expandAll expands the strings in a JSON value.
func expandAll(value any, expand func(string) string) any {
	switch v := value.(type) {
	case string:
		return expand(v)
	case []any:
		for n := range v {
			v[n] = expandAll(v[n], expand)
		}
	case map[string]any:
		for name := range v {
			v[name] = expandAll(v[name], expand)
		}
	}
	return value
}

// toAddress removes the characters that SendGrid does not allow in a name.
func toAddress(a *mail.Address) address {
	return address{Email: a.Address, Name: strings.NewReplacer(",", "", ";", "").Replace(a.Name)}
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: append([]action.Field{
		{Name: "to", Label: "To Email Address", Description: "e.g. test@example.com", Type: action.String, Required: true},
		{Name: "from", Label: "From Email Address", Description: "e.g. test@example.com", Type: action.String},
		{Name: "filename", Label: "Filename", Type: action.String},
		{Name: "subject", Label: "Subject", Type: action.String},
		{Name: "message", Label: "Message", Description: "In it and in the subject, {title} stands for the plan's title, {date} for " +
			"today, {link} for the address in Looker.", Type: action.Textarea},
		{Name: "cc", Label: "CC", Description: "Recipients of a copy.", Type: action.String},
		{Name: "bcc", Label: "BCC", Description: "Recipients whom the others do not see.", Type: action.String},
		{Name: "reply_to", Label: "Reply To", Description: "The address for replies; the sender if empty.", Type: action.String},
		{Name: "template_id", Label: "Dynamic Template ID", Description: "A SendGrid dynamic template (d-...), used instead of the text. It can " +
			"show {{title}}, {{link}}, {{date}}, {{subject}} and {{message}}.", Type: action.String},
		{Name: "template_data", Label: "Template Data", Description: `More values for the template, as a JSON object, such as ` +
			`{"name": "Ann"}. Can contain the same placeholders as the message.`, Type: action.Textarea},
		{
			Name: "region", Label: "Region", Description: "Where the SendGrid account or subuser is.", Type: action.Select,
			Default: string(i.settings.Region), Options: []action.Option{{Name: string(global), Label: "Global"}, {Name: string(eu), Label: "EU"}},
		},
	}, datafile.Fields()...)}, nil
}
