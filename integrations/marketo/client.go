package marketo

import (
	"bytes"
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

// call makes a call of the REST API, and once more where the access token is no longer taken. A
// body is sent as JSON, unless it is nil; the answer's result is decoded into out, unless that is.
func (c *client) call(ctx context.Context, method, path string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encoding a call: %w", err)
		}
	}
	token, err := c.access(ctx, "")
	if err != nil {
		return err
	}
	err = c.once(ctx, method, path, token, text, out)
	if action.KindOf(err) != action.Unauthenticated {
		return err
	}
	if token, err = c.access(ctx, token); err != nil {
		return err
	}
	if err = c.once(ctx, method, path, token, text, out); action.KindOf(err) == action.Unauthenticated {
		return deliver.Stop(err) // a token that was just made
	}
	return err
}

// answer is what Marketo says to any call.
type answer struct {
	Success bool            `json:"success"`
	Errors  []problem       `json:"errors"`
	Result  json.RawMessage `json:"result"`
}

func (c *client) once(ctx context.Context, method, path, token string, body []byte, out any) error {
	ctx, cancel := withTimeout(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, string(c.instance)+"/rest/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("preparing a call: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	var a answer
	if err := outbound.JSON(c.http, req, name, &a); err != nil {
		return err
	}
	switch {
	case len(a.Errors) > 0:
		return a.Errors[0].explain()
	case !a.Success:
		return action.Errorf(action.Unavailable, "Marketo did not confirm the request.")
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(a.Result, out); err != nil {
		return action.Wrap(fmt.Errorf("decoding the result: %w", err), action.Unavailable, "Unexpected response from Marketo.")
	}
	return nil
}

func withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
}

// signIn makes sure that there is an access token.
func (c *client) signIn(ctx context.Context) error {
	return retry.Do(ctx, func(ctx context.Context) error {
		_, err := c.access(ctx, "")
		return err
	})
}

// access returns an access token other than the one that was refused. Several calls share one.
func (c *client) access(ctx context.Context, refused string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && c.token != refused {
		return c.token, nil
	}
	var err error
	c.token, err = c.identify(ctx)
	return c.token, err
}

// identify trades the client's id and secret for an access token
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/authentication).
// Marketo wants them in the address, which therefore appears in no error.
func (c *client) identify(ctx context.Context) (string, error) {
	ctx, cancel := withTimeout(ctx)
	defer cancel()
	query := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.id}, "client_secret": {strings.TrimSpace(c.secret.Reveal())}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(c.instance)+"/identity/oauth/token?"+query.Encode(), nil)
	if err != nil {
		return "", fmt.Errorf("preparing a sign-in: %w", action.Errorf(action.Invalid, "The instance's address is not valid."))
	}
	var granted struct {
		Token string `json:"access_token"`
	}
	err = outbound.JSON(c.http, req, name, &granted)
	switch kind := action.KindOf(err); {
	case err == nil && granted.Token != "":
		return granted.Token, nil
	case err == nil:
		return "", action.Errorf(action.Unavailable, "Marketo granted no access token.")
	case kind.Retryable():
		return "", err
	case !errors.As(err, new(*outbound.StatusError)): // the egress policy, or no such host
		return "", deliver.Stop(err)
	case kind == action.Unauthenticated, kind == action.Invalid, kind == action.Forbidden:
		return "", deliver.Stop(action.Wrap(err, action.Unauthenticated, "Marketo rejected the client ID and secret."))
	default:
		return "", deliver.Stop(err)
	}
}
