// Package twilio is what the Twilio integrations share: sending one message, and cutting a
// text to the length that one may have.
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
	"integrationhub.dev/integrations/internal/message"
)

// Account is a Twilio account, and how its messages are sent: by its REST API, version
// 2010-04-01, https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
type Account struct {
	HTTP  *http.Client
	SID   AccountSID
	Token action.Secret
}

// service is the id of a messaging service, which sends from one of its numbers.
var service = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)

// Send sends one message, from a number or a messaging service. Twilio queues it; whether the
// phone gets it, Twilio tells later.
func (a Account) Send(ctx context.Context, from, to, body string) error {
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	form := url.Values{"From": {from}, "To": {to}, "Body": {body}}
	if service.MatchString(from) {
		form = url.Values{"MessagingServiceSid": {from}, "To": {to}, "Body": {body}}
	}
	address := "https://api.twilio.com/2010-04-01/Accounts/" + string(a.SID) + "/Messages.json"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("preparing a message: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(string(a.SID), a.Token.Reveal())
	var queued struct {
		SID string `json:"sid"`
	}
	if err := outbound.JSON(a.HTTP, req, "Twilio", &queued); err != nil {
		return explain(err)
	}
	if queued.SID == "" {
		return outbound.Unexpected(req, errNoSID, "Twilio")
	}
	return nil
}

// errNoSID says that an answer names no message.
var errNoSID = errors.New("the answer has no sid")

// explain adds what Twilio says of a refused message. Its text can quote the number, whose
// digits are masked.
func explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	var answer struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(status.Body, &answer) != nil || answer.Message == "" {
		return err
	}
	return action.Wrap(err, action.KindOf(err), "Twilio says: %s (error %d)", mask(message.Line(answer.Message)), answer.Code)
}

// mask hides every run of five digits and more, but for the last two.
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

// AccountSID goes into Twilio's address, so it must look like one: "AC" and letters and
// digits (https://www.twilio.com/docs/glossary/what-is-a-sid).
type AccountSID string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *AccountSID) UnmarshalText(text []byte) error {
	const longest = 64
	t := string(text)
	alphanumeric := !strings.ContainsFunc(t, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if !strings.HasPrefix(t, "AC") || len(t) > longest || !alphanumeric {
		return errors.New("must begin with AC and contain letters and digits only")
	}
	*s = AccountSID(t)
	return nil
}
