package auger

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
)

const (
	// name is the destination's name in messages.
	name = "Auger"
	base = "https://app.auger.ai/api/v1"
	// timeout bounds one call.
	timeout = 2 * time.Minute
)

// retry is for calls that can be repeated.
var retry = deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

// client calls Auger with the token of one request.
type client struct {
	http  *http.Client
	token action.Secret
}

func (i *Integration) client(a account) client { return client{i.deps.HTTP, a.Token} }

// id is an ID. Auger sends a number or a string.
type id string

// UnmarshalJSON implements [json.Unmarshaler].
func (i *id) UnmarshalJSON(text []byte) error {
	*i = id(strings.TrimSpace(string(text)))
	if *i == "null" {
		*i = ""
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (i id) MarshalJSON() ([]byte, error) { return []byte(i), nil }

// path returns the ID as a path segment.
func (i id) path() string { return url.PathEscape(strings.Trim(string(i), `"`)) }

// errNoID is for a response without an ID that the next call needs.
var errNoID = errors.New("the response has no ID")

// get reads a resource. The API accepts the token only in the query.
func (c client) get(ctx context.Context, path string, out any) error {
	return c.send(ctx, http.MethodGet, outbound.WithQuery(path, url.Values{"token": {c.token.Reveal()}}), nil, out)
}

// put makes a call that can be repeated.
func (c client) put(ctx context.Context, method, path string, members map[string]any, out any) error {
	body := c.withToken(members)
	return retry.Do(ctx, func(ctx context.Context) error { return c.send(ctx, method, path, body, out) })
}

// post creates a resource, once, and returns its ID.
func (c client) post(ctx context.Context, path string, members map[string]any) (id, error) {
	body := c.withToken(members)
	var made struct {
		ID id `json:"id"`
	}
	err := deliver.Once{Name: name}.Do(ctx, func(ctx context.Context) error {
		return c.send(ctx, http.MethodPost, path, body, &made)
	})
	if err == nil && made.ID == "" {
		err = action.Wrap(errNoID, action.Unavailable, "Unexpected response from Auger.")
	}
	return made.ID, err
}

// withToken adds the token to a body, where the API expects it.
func (c client) withToken(members map[string]any) map[string]any {
	members["token"] = c.token.Reveal()
	return members
}

// send makes one call and decodes the "data" of the response into out, unless out is nil.
func (c client) send(ctx context.Context, method, path string, in, out any) error {
	api := outbound.API{Name: name, Base: base, Client: c.http, Timeout: timeout, Explain: explain}
	if out == nil {
		return api.Call(ctx, method, path, in, nil)
	}
	response := struct {
		Data any `json:"data"`
	}{out}
	return api.Call(ctx, method, path, in, &response)
}

// explain explains a rejected token.
func explain(err *action.Error, _ *outbound.StatusError) error {
	if err.Kind == action.Unauthenticated || err.Kind == action.Forbidden {
		return action.Wrap(err, action.Unauthenticated, "Your Auger API token is invalid.")
	}
	return err
}

// checkToken checks the token by a call.
func (c client) checkToken(ctx context.Context) error {
	var anything json.RawMessage
	err := c.get(ctx, "/user/", &anything)
	if action.KindOf(err) == action.NotFound || action.KindOf(err) == action.Invalid {
		return action.Wrap(err, action.Unauthenticated, "Your Auger API token is invalid.")
	}
	return err
}
