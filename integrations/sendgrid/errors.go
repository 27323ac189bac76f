package sendgrid

import (
	"encoding/json"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// maxReasons is how many of SendGrid's reasons are shown.
const maxReasons = 5

// formFields maps the parts of a mail to form fields.
var formFields = map[string]string{
	"from": "from", "personalizations": "to", "subject": "subject", "attachments": "filename",
	"reply_to": "reply_to", "reply_to_list": "reply_to", "template_id": "template_id",
	"to": "to", "cc": "cc", "bcc": "bcc", "dynamic_template_data": "template_data",
}

// formField returns the form field for a part of a mail, such as "personalizations.0.cc.1.email". ok is false if there
// is none.
func formField(part string) (field string, ok bool) {
	names := strings.Split(part, ".")
	if len(names) > 2 && names[0] == "personalizations" {
		if field, ok := formFields[names[2]]; ok {
			return field, true
		}
	}
	field, ok = formFields[names[0]]
	return field, ok
}

// otherRegion is a part of the reason if the account is in another region.
const otherRegion = "regional attribute"

// explain adds SendGrid's reasons for rejecting a mail. When a rate limit ends is only in its own header: "When you reach a rate
// limit, you can no longer make requests against that endpoint for the remainder of the refresh period".
// https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
func explain(err *action.Error, status *outbound.StatusError) error {
	if err.Kind == action.Unauthenticated {
		return action.Wrap(err, err.Kind, "SendGrid rejected the API key.")
	}
	if err.Kind == action.TooLarge {
		return action.Wrap(err, err.Kind, "The mail is too large for SendGrid. Its limit is 30 MB, including the file.")
	}
	if err.Kind == action.RateLimited && status.RetryAfter == 0 {
		status.RetryAfter = outbound.UntilUnix(status.Header.Get("X-RateLimit-Reset"), time.Now())
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
		reason := action.Line(e.Message)
		reasons = append(reasons, reason)
		if field, ok := formField(e.Field); ok {
			fields[field] = reason
		}
		if strings.Contains(reason, otherRegion) {
			fields["region"] = "The account is in another region. Choose it here."
			reasons = append(reasons, "Choose the account's region in the form.")
		}
	}
	explained := action.Wrap(err, err.Kind, "SendGrid returned %d: %s", status.Code, strings.Join(reasons, " "))
	explained.Fields = fields
	return explained
}
