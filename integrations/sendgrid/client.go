package sendgrid

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

const (
	// timeout is long enough to upload 30 MB over a slow connection.
	timeout = 5 * time.Minute
	// maxReasons is how many of SendGrid's reasons are shown.
	maxReasons = 5
)

// send sends a mail. SendGrid queues it (202); whether it arrives, SendGrid reports later.
func (i *Integration) send(ctx context.Context, key action.Secret, m *encodedMail) error {
	api := i.api
	api.Authorize = outbound.Bearer(key)
	once := deliver.Once{MaybeDeliveredHint: "The mail may already have been sent. Check before retrying."}
	return once.Do(ctx, func(ctx context.Context) error {
		body := outbound.Body{ContentType: "application/json", Size: m.size(), Open: m.reader}
		return api.Call(ctx, http.MethodPost, "/v3/mail/send", body, &outbound.Head{Want: http.StatusAccepted})
	})
}

// formFields maps the parts of a mail to form fields.
var formFields = map[string]string{"from": "from", "personalizations": "to", "subject": "subject", "attachments": "filename"}

// explain adds SendGrid's reasons for rejecting a mail.
func explain(err *action.Error, status *outbound.StatusError) error {
	if err.Kind == action.Unauthenticated {
		return action.Wrap(err, err.Kind, "SendGrid rejected the API key.")
	}
	if err.Kind == action.TooLarge {
		return action.Wrap(err, err.Kind, "The mail is too large for SendGrid. Its limit is 30 MB, including the file.")
	}
	var response struct {
		Errors []struct {
			Message string `json:"message"`
			Field   string `json:"field"` // such as "personalizations.0.to.0.email"
		} `json:"errors"`
	}
	if json.Unmarshal(status.Body, &response) != nil || len(response.Errors) == 0 {
		return err
	}
	var reasons []string
	fields := map[string]string{}
	for _, e := range response.Errors[:min(len(response.Errors), maxReasons)] {
		reason := message.Line(e.Message)
		reasons = append(reasons, reason)
		part, _, _ := strings.Cut(e.Field, ".")
		if field, ok := formFields[part]; ok {
			fields[field] = reason
		}
	}
	explained := action.Wrap(err, err.Kind, "SendGrid answered %d: %s", status.Code, strings.Join(reasons, " "))
	explained.Fields = fields
	return explained
}
