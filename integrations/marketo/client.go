package marketo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

const timeout = time.Minute

// client calls one instance for one delivery.
type client struct {
	http     *http.Client
	instance instance
	id       string
	secret   action.Secret

	mu    sync.Mutex
	token string
}

// call makes a call of the REST API, and once more with a new access token if the first one was
// rejected. in, unless nil, is the body. The result is decoded into out, unless it is nil.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	token, err := c.access(ctx, "")
	if err != nil {
		return err
	}
	err = c.once(ctx, method, path, token, in, out)
	if action.KindOf(err) != action.Unauthenticated {
		return err
	}
	if token, err = c.access(ctx, token); err != nil {
		return err
	}
	if err = c.once(ctx, method, path, token, in, out); action.KindOf(err) == action.Unauthenticated {
		return deliver.Stop(err) // the token is new
	}
	return err
}

// response is Marketo's response to a call.
type response struct {
	Success bool            `json:"success"`
	Errors  []problem       `json:"errors"`
	Result  json.RawMessage `json:"result"`
}

func (c *client) once(ctx context.Context, method, path, token string, in, out any) error {
	api := c.api()
	api.Authorize = outbound.Bearer(action.Secret(token))
	var res response
	if err := api.Call(ctx, method, "/rest/v1/"+path, in, &res); err != nil {
		return err
	}
	switch {
	case len(res.Errors) > 0:
		return res.Errors[0].explain()
	case !res.Success:
		return action.Errorf(action.Unavailable, "Marketo did not confirm the request.")
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(res.Result, out); err != nil {
		return action.Wrap(fmt.Errorf("decoding the result: %w", err), action.Unavailable, "Unexpected response from Marketo.")
	}
	return nil
}

func (c *client) api() outbound.API {
	return outbound.API{Name: name, Base: string(c.instance), Client: c.http, Timeout: timeout}
}

// signIn requests an access token, unless there is one.
func (c *client) signIn(ctx context.Context) error {
	return retry.Do(ctx, func(ctx context.Context) error {
		_, err := c.access(ctx, "")
		return err
	})
}

// access returns an access token other than the rejected one. Concurrent calls share it.
func (c *client) access(ctx context.Context, rejected string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && c.token != rejected {
		return c.token, nil
	}
	var err error
	c.token, err = c.identify(ctx)
	return c.token, err
}

// identify exchanges the client's ID and secret for an access token
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/authentication).
// Marketo requires them in the URL, so errors must not contain it.
func (c *client) identify(ctx context.Context) (string, error) {
	query := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.id}, "client_secret": {strings.TrimSpace(c.secret.Reveal())}}
	var granted struct {
		Token string `json:"access_token"`
	}
	err := c.api().Call(ctx, http.MethodGet, outbound.WithQuery("/identity/oauth/token", query), nil, &granted)
	switch kind := action.KindOf(err); {
	case err == nil && granted.Token != "":
		return granted.Token, nil
	case err == nil:
		return "", action.Errorf(action.Unavailable, "Marketo returned no access token.")
	case kind.Retryable():
		return "", err
	case !errors.As(err, new(*outbound.StatusError)): // blocked by the egress policy, or an unknown host
		return "", deliver.Stop(err)
	case kind == action.Unauthenticated, kind == action.Invalid, kind == action.Forbidden:
		return "", deliver.Stop(action.Wrap(err, action.Unauthenticated, "Marketo rejected the client ID and secret."))
	default:
		return "", deliver.Stop(err)
	}
}
