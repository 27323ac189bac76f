package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/plaintext"
)

const (
	name     = "SendGrid"
	endpoint = "https://api.sendgrid.com/v3/mail/send"
	// timeout is long enough for 30 MB on a slow line.
	timeout = 5 * time.Minute
	// maxReasons is how many of SendGrid's reasons are told.
	maxReasons = 5
)

// send sends a mail. SendGrid queues it (202); whether it arrives, SendGrid tells later.
func (i *Integration) send(ctx context.Context, key action.Secret, m *encodedMail) error {
	once := deliver.Once{Name: name, Timeout: timeout, Doubt: "The mail may have been sent all the same: look before sending it again."}
	return once.Do(ctx, func(ctx context.Context) error {
		req, err := outbound.NewUpload(ctx, http.MethodPost, endpoint, m.size(), m.reader)
		if err != nil {
			return fmt.Errorf("preparing a mail: %w", err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(key.Reveal()))
		res, err := outbound.Do(i.http, req, name)
		if err != nil {
			return explain(err)
		}
		defer res.Body.Close()
		outbound.Discard(res) // 202 has none
		if res.StatusCode != http.StatusAccepted {
			return outbound.Unexpected(req, fmt.Errorf("the status is %d", res.StatusCode), name)
		}
		return nil
	})
}

// formFields are the form's names for parts of a mail.
var formFields = map[string]string{"from": "from", "personalizations": "to", "subject": "subject", "attachments": "filename"}

// explain adds what SendGrid says of a refused mail.
func explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	kind := action.KindOf(err)
	if kind == action.Unauthenticated {
		return action.Wrap(err, kind, "SendGrid refuses the API key.")
	}
	if kind == action.TooLarge {
		return action.Wrap(err, kind, "The mail is too large for SendGrid, which takes less than 30 MB with the file.")
	}
	var answer struct {
		Errors []struct {
			Message string `json:"message"`
			Field   string `json:"field"` // such as "personalizations.0.to.0.email"
		} `json:"errors"`
	}
	if json.Unmarshal(status.Body, &answer) != nil || len(answer.Errors) == 0 {
		return err
	}
	var reasons []string
	fields := map[string]string{}
	for _, e := range answer.Errors[:min(len(answer.Errors), maxReasons)] {
		reason := plaintext.Line(e.Message)
		reasons = append(reasons, reason)
		part, _, _ := strings.Cut(e.Field, ".")
		if ours, ok := formFields[part]; ok {
			fields[ours] = reason
		}
	}
	e := action.Wrap(err, kind, "SendGrid answered %d: %s", status.Code, strings.Join(reasons, " "))
	e.Fields = fields
	return e
}
