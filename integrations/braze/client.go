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

// name is what people call the destination.
const name = "Braze"

// timeout bounds one call.
const timeout = 30 * time.Second

// client calls one workspace.
type client struct {
	http    *http.Client
	address string
	key     action.Secret
}

// answer is Braze's (https://www.braze.com/docs/api/errors/): "success", also where it did
// not take some of the users.
type answer struct {
	Message string  `json:"message"`
	Errors  []fault `json:"errors"`
}

// fault is what Braze has against one user. Some faults are about none: a bare text.
type fault struct {
	Type  string `json:"type"`
	Array string `json:"input_array"`
	Index *int   `json:"index"`
}

// UnmarshalJSON implements [json.Unmarshaler].
func (f *fault) UnmarshalJSON(text []byte) error {
	type plain fault
	if json.Unmarshal(text, (*plain)(f)) != nil {
		*f = fault{}
		_ = json.Unmarshal(text, &f.Type) // what is neither says nothing
	}
	return nil
}

// track sends users in one call: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/.
func (c client) track(ctx context.Context, users [][]byte) error {
	body := rows.JSONBody(`{"attributes":[`, users, "]}")
	api := outbound.API{Name: name, Client: c.http, Timeout: timeout, Authorize: outbound.Bearer(c.key), Explain: explain}
	var a answer
	if err := api.Call(ctx, http.MethodPost, c.address, body, &a); err != nil {
		return err
	}
	return a.outcome(len(users))
}

// outcome says which of n users were not taken. Where Braze does not say which, the whole
// call counts as refused, so that it is sent again in parts: attributes may be set twice.
func (a answer) outcome(n int) error {
	switch {
	case a.Message == "success":
	case len(a.Errors) == 0:
		return action.Errorf(action.Unavailable, "Braze did not confirm the rows.")
	default:
		return a.Errors[0].reason()
	}
	failed := map[int]error{}
	for _, f := range a.Errors {
		if f.Array != "attributes" || f.Index == nil || *f.Index < 0 || *f.Index >= n {
			return f.reason()
		}
		failed[*f.Index] = f.reason()
	}
	return deliver.Partial(failed)
}

// reason is Braze's own, which names attributes, but no values.
func (f fault) reason() error {
	if f.Type == "" {
		return action.Errorf(action.Invalid, "Braze rejected a row without a reason.")
	}
	return action.Errorf(action.Invalid, "Braze rejected a row: %s", message.Line(f.Type))
}

// explain says what a rejected call means, and when a rate limit ends.
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

// untilReset is how long Braze's limit lasts, by the time of its end in seconds since 1970;
// 0 when it does not say.
func untilReset(h http.Header, now time.Time) time.Duration {
	at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, time.Unix(at, 0).Sub(now).Round(time.Second)+time.Second)
}
