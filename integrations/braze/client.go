package braze

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
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
	record  record
}

// response is Braze's response (https://www.braze.com/docs/api/errors/). The message is "success" even
// if some objects were rejected, and "queued", with status 202, while Braze pauses the processing of calls for
// maintenance: it has accepted the call, and would store its events again.
type response struct {
	Message string        `json:"message"`
	Errors  []objectError `json:"errors"`
}

// objectError is why an object was rejected. An error that is not about one is a string.
type objectError struct {
	Type  string `json:"type"`
	Array string `json:"input_array"`
	Index *int   `json:"index"`
}

// UnmarshalJSON implements [json.Unmarshaler].
func (e *objectError) UnmarshalJSON(text []byte) error {
	type plain objectError
	if json.Unmarshal(text, (*plain)(e)) != nil {
		*e = objectError{}
		_ = json.Unmarshal(text, &e.Type) // any other value has no reason
	}
	return nil
}

// track sends objects in one call: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/.
func (c client) track(ctx context.Context, objects []object) error {
	texts := make([][]byte, len(objects))
	for i, o := range objects {
		texts[i] = o.text
	}
	body := rows.JSONBody(`{"`+string(c.record)+`":[`, texts, "]}")
	api := outbound.API{Name: name, Client: c.http, Timeout: timeout, Authorize: outbound.Bearer(c.key), Explain: explain}
	var res response
	if err := api.Call(ctx, http.MethodPost, c.address, body, &res); err != nil {
		return err
	}
	failed, err := res.outcome(c.record, len(objects))
	if err != nil && c.record != attributes {
		// Some may have been stored. Braze would store them again, so that they are not searched for the rejected ones.
		err = action.Wrap(err, action.Unavailable, "%s", action.MessageOf(err))
	}
	if err != nil {
		return err
	}
	return deliver.Partial(failed)
}

// outcome returns why objects of n were rejected. The error is that of the whole call, if Braze does not say which ones
// it is about: a call with attributes is bisected then.
func (r response) outcome(array record, n int) (map[int]error, error) {
	switch {
	case r.Message == "success", r.Message == "queued":
	case len(r.Errors) == 0:
		return nil, action.Errorf(action.Unavailable, "Braze did not confirm the rows.")
	default:
		return nil, r.Errors[0].reason()
	}
	failed := map[int]error{}
	for _, e := range r.Errors {
		if e.Array != string(array) || e.Index == nil || *e.Index < 0 || *e.Index >= n {
			return nil, e.reason()
		}
		failed[*e.Index] = e.reason()
	}
	return failed, nil
}

// reason returns Braze's message. It contains names of attributes, but no values.
func (e objectError) reason() *action.Error {
	if e.Type == "" {
		return action.Errorf(action.Invalid, "Braze rejected a row without a reason.")
	}
	return action.Errorf(action.Invalid, "Braze rejected a row: %s", action.Line(e.Type))
}

// explain explains a rejected call, and sets the end of a rate limit.
func explain(err *action.Error, status *outbound.StatusError) error {
	switch err.Kind {
	case action.Unauthenticated, action.Forbidden:
		return deliver.Stop(action.Wrap(err, err.Kind,
			"Braze rejected the API key. It may lack the permission users.track, belong to another endpoint, or not allow the hub's IP "+
				"address."))
	case action.NotFound:
		return deliver.Stop(action.Wrap(err, err.Kind, "The endpoint is not a Braze REST API."))
	case action.Invalid:
		return action.Wrap(err, err.Kind, "Braze rejected a row (%d).", status.Code)
	case action.RateLimited:
		if status.RetryAfter == 0 {
			status.RetryAfter = outbound.UntilUnix(status.Header.Get("X-RateLimit-Reset"), time.Now())
		}
	default:
	}
	return err
}

// endpoint is the host of the REST API for the workspace.
type endpoint string

// UnmarshalText implements [encoding.TextUnmarshaler]. The host gets the API key, so it must be
// one of Braze's.
func (e *endpoint) UnmarshalText(text []byte) error {
	lower := strings.ToLower(string(text))
	if !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		return errors.New("must be a URL that begins with https://")
	}
	u, err := url.Parse(lower)
	if err != nil || !isBrazeHost(u.Host) || u.User != nil || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return errors.New("must be the URL of a Braze REST API endpoint, such as https://rest.iad-01.braze.com")
	}
	*e = endpoint(u.Host)
	return nil
}

func isBrazeHost(host string) bool {
	for _, suffix := range []string{".braze.com", ".braze.eu"} {
		if name, ok := strings.CutSuffix(host, suffix); ok && name != "" && !strings.ContainsAny(name, ":/\\@[]% ") {
			return true
		}
	}
	return false
}

// address is the URL for users, always HTTPS.
func (e endpoint) address() string { return "https://" + string(e) + "/users/track" }
