package digitaloceandroplet

import (
	"encoding/json"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// explain says which droplet an error is about, and adds DigitalOcean's reason. Only the response to the limit of a minute has a
// Retry-After; the one to the limit of an hour has the time of its end:
// https://docs.digitalocean.com/reference/api/digitalocean/#section/Introduction/Rate-Limit
func explain(err *action.Error, status *outbound.StatusError, id string) error {
	if err.Kind == action.Unauthenticated {
		return action.Wrap(err, err.Kind, "DigitalOcean rejected the API key.")
	}
	if err.Kind == action.RateLimited && status.RetryAfter == 0 {
		status.RetryAfter = outbound.UntilUnix(status.Header.Get("Ratelimit-Reset"), time.Now())
	}
	var response struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(status.Body, &response) != nil || response.Message == "" || err.Kind.Retryable() {
		return action.Wrap(err, err.Kind, "Droplet %s: %s", id, err.Message)
	}
	return action.Wrap(err, err.Kind, "Droplet %s: DigitalOcean returned %d: %s", id, status.Code, action.Line(response.Message))
}

// readable explains that an order was given, but that the API key cannot see what became of it.
func readable(err error, id string) error {
	if action.KindOf(err) != action.Forbidden {
		return err
	}
	return action.Wrap(err, action.Forbidden, "DigitalOcean accepted the request for droplet %s, but the API key is not allowed to read whether it is "+
		"off. "+
		"Give it the scope droplet:read.", id)
}

// stillOnError says that a droplet is not off.
type stillOnError struct {
	id, kind string
	// errored is set if DigitalOcean says that the action failed. cause is why it was not started.
	errored bool
	cause   error
}

func (e *stillOnError) Error() string { return action.MessageOf(e.Unwrap()) }

// Unwrap returns the error for the Looker user.
func (e *stillOnError) Unwrap() error {
	next := "Check it in DigitalOcean."
	if e.kind == string(shutdown) {
		next = "Check it, or choose to power it off."
	}
	switch {
	case e.errored:
		return action.Errorf(action.Unavailable, "Droplet %s: DigitalOcean reports that its %s failed. %s", e.id, e.kind, next)
	case e.cause != nil:
		return action.Wrap(e.cause, action.KindOf(e.cause), "%s It was still on %s later. %s", action.MessageOf(e.cause), offLimitText,
			next)
	}
	return action.Errorf(action.Timeout, "Droplet %s was still on %s after its %s. %s", e.id, offLimitText, e.kind, next)
}
