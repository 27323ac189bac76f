package braze

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/rows"
)

// name is the destination's name in messages.
const name = "Braze"

// timeout bounds one call.
const timeout = 30 * time.Second

// client calls one workspace.
type client struct {
	http    *http.Client
	address string
	key     action.Secret
}

// response is Braze's response (https://www.braze.com/docs/api/errors/). The message is "success" even
// if some users were rejected.
type response struct {
	Message string      `json:"message"`
	Errors  []userError `json:"errors"`
}

// userError is why a user was rejected. An error that is not about a user is a string.
type userError struct {
	Type  string `json:"type"`
	Array string `json:"input_array"`
	Index *int   `json:"index"`
}

// UnmarshalJSON implements [json.Unmarshaler].
func (e *userError) UnmarshalJSON(text []byte) error {
	type plain userError
	if json.Unmarshal(text, (*plain)(e)) != nil {
		*e = userError{}
		_ = json.Unmarshal(text, &e.Type) // any other value has no reason
	}
	return nil
}

// track sends users in one call: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/.
func (c client) track(ctx context.Context, users [][]byte) error {
	body := rows.JSONBody(`{"attributes":[`, users, "]}")
	api := outbound.API{Name: name, Client: c.http, Timeout: timeout, Authorize: outbound.Bearer(c.key), Explain: explain}
	var res response
	if err := api.Call(ctx, http.MethodPost, c.address, body, &res); err != nil {
		return err
	}
	return res.outcome(len(users))
}

// outcome returns an error for the users of n that were rejected. If Braze does not say which ones, the
// whole call counts as rejected and is bisected: attributes can be set twice.
func (r response) outcome(n int) error {
	switch {
	case r.Message == "success":
	case len(r.Errors) == 0:
		return action.Errorf(action.Unavailable, "Braze did not confirm the rows.")
	default:
		return r.Errors[0].reason()
	}
	failed := map[int]error{}
	for _, e := range r.Errors {
		if e.Array != "attributes" || e.Index == nil || *e.Index < 0 || *e.Index >= n {
			return e.reason()
		}
		failed[*e.Index] = e.reason()
	}
	return deliver.Partial(failed)
}

// reason returns Braze's message. It contains names of attributes, but no values.
func (e userError) reason() error {
	if e.Type == "" {
		return action.Errorf(action.Invalid, "Braze rejected a row without a reason.")
	}
	return action.Errorf(action.Invalid, "Braze rejected a row: %s", message.Line(e.Type))
}

// explain explains a rejected call, and sets the end of a rate limit.
func explain(err *action.Error, status *outbound.StatusError) error {
	switch err.Kind {
	case action.Unauthenticated, action.Forbidden:
		return deliver.Stop(action.Wrap(err, err.Kind,
			"Braze rejected the API key. It may lack the permission users.track, or belong to another endpoint."))
	case action.NotFound:
		return deliver.Stop(action.Wrap(err, err.Kind, "There is no Braze REST API at the endpoint."))
	case action.Invalid:
		return action.Wrap(err, err.Kind, "Braze rejected a row (%d).", status.Code)
	case action.RateLimited:
		if status.RetryAfter == 0 {
			status.RetryAfter = untilReset(status.Header, time.Now())
		}
	default:
	}
	return err
}

// untilReset returns the time until Braze's rate limit ends, or 0 if the response does not have it.
func untilReset(h http.Header, now time.Time) time.Duration {
	at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, time.Unix(at, 0).Sub(now).Round(time.Second)+time.Second)
}
