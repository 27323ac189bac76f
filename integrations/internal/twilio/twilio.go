// Package twilio holds what the Twilio integrations share: their settings, sending one message, and
// cutting a text to the length of a message.
package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/pasted"
)

// Account is a Twilio account. It sends messages by the REST API, version 2010-04-01:
// https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
type Account struct {
	HTTP *http.Client
	SID  AccountSID
	// Token is the account's auth token, or an API key: its SID and its secret, separated by a colon.
	Token  action.Secret
	Region Region
}

// Params are the settings of an integration: the account, and the sender, whose label and description
// differ.
func Params(fromLabel, fromDescription string) []action.Param {
	return []action.Param{
		{Name: "accountSid", Label: "Account SID", Required: true, Description: "Account SID from www.twilio.com/console."},
		{Name: "authToken", Label: "Auth Token", Required: true, Sensitive: true, Description: "Auth Token from www.twilio.com/console."},
		{Name: "from", Label: fromLabel, Required: true, Description: fromDescription},
	}
}

// service is the ID of a messaging service, which sends from one of its numbers.
var service = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)

// Send sends one message, from a number or a messaging service. Twilio only queues it, and reports the
// delivery to the phone later.
func (a Account) Send(ctx context.Context, from, to, body string) error {
	return a.create(ctx, from, to, url.Values{"Body": {body}})
}

// SendTemplate is like [Account.Send], for a content template. Such a message has no text of its own.
func (a Account) SendTemplate(ctx context.Context, from, to string, t Template) error {
	form := url.Values{"ContentSid": {string(t.SID)}}
	if len(t.Variables) > 0 {
		variables, err := json.Marshal(t.Variables)
		if err != nil {
			return fmt.Errorf("encoding the variables of a template: %w", err)
		}
		form.Set("ContentVariables", string(variables))
	}
	return a.create(ctx, from, to, form)
}

func (a Account) create(ctx context.Context, from, to string, form url.Values) error {
	form.Set("To", strings.TrimSpace(to))
	if from = sender(from); service.MatchString(from) {
		form.Set("MessagingServiceSid", from)
	} else {
		form.Set("From", from)
	}
	user, password, err := a.credentials()
	if err != nil {
		return err
	}
	api := outbound.API{
		Name: "Twilio", Base: a.Region.base(), Client: a.HTTP, Explain: a.explain,
		Authorize: func(req *http.Request) { req.SetBasicAuth(user, password) },
	}
	var message queued
	if err := api.Call(ctx, http.MethodPost, outbound.Path("Accounts", string(a.SID), "Messages.json"), form, &message); err != nil {
		return err
	}
	return message.failure()
}

// sender returns the sender as Twilio wants it: a number in E.164 format, also if it was pasted with blanks.
func sender(from string) string {
	from = pasted.Text(from)
	if strings.HasPrefix(from, "+") || strings.HasPrefix(from, WhatsApp) {
		if number, err := Number(from); err == nil {
			return number
		}
	}
	return from
}

// apiKey is the ID of an API key (https://www.twilio.com/docs/iam/api-keys). It needs its secret.
var apiKey = regexp.MustCompile(`^(SK[0-9a-zA-Z]{1,62})(?:\s*:\s*|\s+)(\S+)$`)

// credentials returns the user name and the password for basic authentication.
func (a Account) credentials() (user, password string, err error) {
	token := pasted.Text(a.Token.Reveal())
	if key := apiKey.FindStringSubmatch(token); key != nil {
		return key[1], pasted.Token(key[2]), nil
	}
	token = pasted.Token(token)
	if strings.HasPrefix(token, "SK") {
		return "", "", action.Errorf(action.Invalid, "An API key needs its secret. Enter both as the auth token, with a colon between "+
			"them: SK…:secret.")
	}
	return string(a.SID), token, nil
}

// queued is Twilio's response to a message.
type queued struct {
	SID       string `json:"sid"`
	Status    string `json:"status"`
	ErrorCode int    `json:"error_code"`
	Message   string `json:"error_message"`
}

// Validate implements what [outbound.API.Call] asks for.
func (q *queued) Validate() error {
	if q.SID == "" {
		return errors.New("the response has no message SID")
	}
	return nil
}

// failure returns why a message that Twilio accepted failed already.
func (q *queued) failure() error {
	if q.Status == "failed" || q.Status == "undelivered" || q.ErrorCode != 0 {
		return refused(action.Errorf(action.Invalid, "Twilio could not send the message."), q.ErrorCode, q.Message)
	}
	return nil
}

// AccountSID is part of the URL. It consists of "AC", letters and digits
// (https://www.twilio.com/docs/glossary/what-is-a-sid).
type AccountSID string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *AccountSID) UnmarshalText(text []byte) error {
	const maxLength = 64
	t := pasted.Token(string(text))
	alphanumeric := !strings.ContainsFunc(t, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if !strings.HasPrefix(t, "AC") || len(t) > maxLength || !alphanumeric {
		return errors.New("must begin with AC and contain letters and digits only")
	}
	*s = AccountSID(t)
	return nil
}
