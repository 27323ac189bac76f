package twiliomessage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// client calls Twilio's REST API, version 2010-04-01:
// https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
type client struct {
	http  *http.Client
	sid   accountSID
	token action.Secret
}

// send sends one message. Twilio queues it; whether the phone gets it, it tells later.
func (c client) send(ctx context.Context, from, to, body string) error {
	form := url.Values{"From": {from}, "To": {to}, "Body": {body}}
	address := "https://api.twilio.com/2010-04-01/Accounts/" + string(c.sid) + "/Messages.json"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("preparing a message: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(string(c.sid), c.token.Reveal())
	err = explain(outbound.JSON(c.http, req, "Twilio", nil))
	if kind := action.KindOf(err); kind == action.Unauthenticated || kind == action.Forbidden {
		return deliver.Stop(err) // no other number will do better
	}
	return err
}

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
	return action.Wrap(err, action.KindOf(err), "Twilio says: %s (error %d)", mask(answer.Message), answer.Code)
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
