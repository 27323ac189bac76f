package webhook

import (
	"errors"
	"fmt"
	"net/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// Limits are a receiver's limits, in words for messages. Empty ones are unknown.
type Limits struct {
	// Size is the largest body, such as "10 MB".
	Size string
	// Rate is the number of requests, such as "10,000 requests in five minutes".
	Rate string
}

// Explain says what a receiver's status means for a webhook, and what to do about it. The name is the receiver's in messages.
func Explain(err error, name string, limits Limits) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	kind := action.KindOf(err)
	answer := fmt.Sprintf("%s returned %d %s.", name, status.Code, http.StatusText(status.Code))
	switch {
	case status.Code >= 300 && status.Code < 400:
		return action.Wrap(err, kind, "%s Redirects are not followed. Enter the target URL of the redirect.", answer)
	case kind == action.TooLarge && limits.Size != "":
		return action.Wrap(err, kind, "The data is too large: %s accepts %s in one request. Select fewer rows or columns.", name, limits.Size)
	case kind == action.TooLarge:
		return action.Wrap(err, kind, "%s The data is too large for it. Select fewer rows or columns.", answer)
	case kind == action.RateLimited && limits.Rate != "":
		return action.Wrap(err, kind, "%s is rate limiting requests. It accepts %s. Try again later.", name, limits.Rate)
	case kind == action.NotFound:
		return action.Wrap(err, kind, "%s The webhook may have been deleted. Check its URL.", answer)
	}
	return err
}
