// Package twilio holds what the Twilio integrations share: their settings, sending one message, and
// cutting a text to the length of a message.
package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

// Account is a Twilio account. It sends messages by the REST API, version 2010-04-01:
// https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
type Account struct {
	HTTP  *http.Client
	SID   AccountSID
	Token action.Secret
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
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	form := url.Values{"From": {from}, "To": {to}, "Body": {body}}
	if service.MatchString(from) {
		form = url.Values{"MessagingServiceSid": {from}, "To": {to}, "Body": {body}}
	}
	api := outbound.API{
		Name: "Twilio", Base: "https://api.twilio.com/2010-04-01", Client: a.HTTP, Explain: explain,
		Authorize: func(req *http.Request) { req.SetBasicAuth(string(a.SID), a.Token.Reveal()) },
	}
	return api.Call(ctx, http.MethodPost, outbound.Path("Accounts", string(a.SID), "Messages.json"), form, &queued{})
}

// queued is Twilio's response to a message.
type queued struct {
	SID string `json:"sid"`
}

// Validate implements what [outbound.API.Call] asks for.
func (q *queued) Validate() error {
	if q.SID == "" {
		return errors.New("the response has no message SID")
	}
	return nil
}

// explain adds Twilio's reason for rejecting a message. It can quote the number, whose digits are
// masked.
func explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(status.Body, &response) != nil || response.Message == "" {
		return err
	}
	return action.Wrap(err, err.Kind, "Twilio says: %s (error %d)", mask(message.Line(response.Message)), response.Code)
}

// mask hides all but the last two digits of every run of five or more digits.
func mask(text string) string {
	out := []byte(text)
	for i := 0; i < len(out); {
		j := i
		for j < len(out) && out[j] >= '0' && out[j] <= '9' {
			j++
		}
		if j-i >= 5 {
			for k := i; k < j-2; k++ {
				out[k] = '*'
			}
		}
		i = max(j, i+1)
	}
	return string(out)
}

// AccountSID is part of the URL. It consists of "AC", letters and digits
// (https://www.twilio.com/docs/glossary/what-is-a-sid).
type AccountSID string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *AccountSID) UnmarshalText(text []byte) error {
	const maxLength = 64
	t := string(text)
	alphanumeric := !strings.ContainsFunc(t, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if !strings.HasPrefix(t, "AC") || len(t) > maxLength || !alphanumeric {
		return errors.New("must begin with AC and contain letters and digits only")
	}
	*s = AccountSID(t)
	return nil
}
