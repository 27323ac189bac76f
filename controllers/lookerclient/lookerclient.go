// Package lookerclient calls the API of a Looker instance as one of its users. The address comes from
// a LookerRegistration, so the answers are treated as untrusted input.
package lookerclient

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"integrationhub.dev/hub/looker/api"
	"integrationhub.dev/hub/outbound"
)

const (
	apiPath = "/api/4.0"
	// requestTimeout covers a request from the connection to the last byte. Looker calls the hub while
	// it answers some of them.
	requestTimeout = time.Minute
	// maxBodyBytes bounds an answer. The list of a hub's integrations, with icons, is the largest.
	maxBodyBytes = 8 << 20
	// expiryReserve is how long before its end a session is no longer used.
	expiryReserve = time.Minute
	// defaultExpiry is the lifetime of a session whose login does not name one.
	defaultExpiry = 10 * time.Minute
)

// Config is a Looker instance, and the API key of one of its users.
type Config struct {
	URL                    string
	ClientID, ClientSecret string
	// CABundle has certificates in PEM format that are trusted in addition to the public authorities.
	CABundle string
}

// Options apply to all clients of a manager.
type Options struct {
	// Proxy is the proxy of the manager's environment.
	Proxy outbound.Proxy
	// Observe is called after each request, with the status code of the answer; 0 without one. It may be nil.
	Observe func(operation string, status int)
	// AllowLoopback is for tests.
	AllowLoopback bool
}

// Client calls the API of one Looker instance. It logs in when it needs to, and keeps the session in
// memory until it expires. Its methods may be called by several goroutines.
type Client struct {
	api     *api.Client
	http    *http.Client
	config  Config
	observe func(operation string, status int)

	mu      sync.Mutex
	session string
	expires time.Time
	// notBefore is when Looker accepts requests again, after it limited their rate.
	notBefore time.Time
}

// ErrCABundle means that a CA bundle contains no certificate.
var ErrCABundle = errors.New("the CA bundle contains no PEM certificate")

// anywhere are the addresses that a Looker instance may have: private ones, too, because companies run
// Looker themselves. The policy still blocks loopback, link-local and metadata addresses.
var anywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// New returns a client. It connects only to the configured address, over HTTPS, and follows no
// redirects.
func New(config Config, options Options) (*Client, error) {
	if u, err := url.Parse(config.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the URL of Looker's API must be an https URL with a host")
	}
	roots, err := outbound.LoadRoots("")
	if err != nil {
		return nil, err
	}
	if config.CABundle != "" {
		if !roots.AppendCertsFromPEM([]byte(config.CABundle)) {
			return nil, ErrCABundle
		}
	}
	c := &Client{config: config, http: newHTTPClient(roots, options), observe: options.Observe}
	c.api, err = api.NewClient(config.URL+apiPath, api.WithHTTPClient(c.http))
	if err != nil {
		return nil, fmt.Errorf("creating a client of Looker's API: %w", err)
	}
	return c, nil
}

func newHTTPClient(roots *x509.CertPool, options Options) *http.Client {
	c := outbound.NewClient(outbound.Options{
		Policy:             outbound.Policy{Allow: anywhere, AllowLoopback: options.AllowLoopback},
		Roots:              roots,
		Proxy:              options.Proxy,
		DisableCompression: true,
	})
	c.Timeout = requestTimeout
	return c
}

// send performs a request; the editors authorize it.
type send func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error)

// call performs a request in a session, and decodes the answer into out unless that is nil. A session
// that Looker no longer knows is replaced once.
func (c *Client) call(ctx context.Context, operation string, out any, do send) error {
	if left := c.pause(); left > 0 {
		return &Error{Kind: RateLimited, Operation: operation, RetryAfter: left}
	}
	session, err := c.login(ctx)
	if err == nil {
		err = c.resume(ctx, operation, out, do, session)
	}
	if failure, ok := errors.AsType[*Error](err); ok && failure.Kind == RateLimited {
		c.mu.Lock()
		c.notBefore = time.Now().Add(failure.RetryAfter)
		c.mu.Unlock()
	}
	return err
}

// resume performs a request in a session, and in a new one if Looker does not know that session.
func (c *Client) resume(ctx context.Context, operation string, out any, do send, session string) error {
	err := c.perform(ctx, operation, out, do, api.WithAccessToken(session))
	if failure, ok := errors.AsType[*Error](err); !ok || failure.Status != http.StatusUnauthorized {
		return err
	}
	c.forget(session)
	if session, err = c.login(ctx); err != nil {
		return err
	}
	return c.perform(ctx, operation, out, do, api.WithAccessToken(session))
}

func (c *Client) perform(ctx context.Context, operation string, out any, do send, editors ...api.RequestEditorFn) error {
	res, err := do(ctx, editors...)
	if c.observe != nil {
		status := 0
		if err == nil {
			status = res.StatusCode
		}
		c.observe(operation, status)
	}
	if err != nil {
		return unreachable(ctx, operation, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBodyBytes+1))
	switch {
	case err != nil:
		return unreachable(ctx, operation, err)
	case len(body) > maxBodyBytes:
		return &Error{Kind: Unexpected, Operation: operation, Status: res.StatusCode, Message: "the response is larger than 8 MiB"}
	case res.StatusCode < 200 || res.StatusCode > 299:
		return refused(operation, res, body)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil { // its text would quote the answer
		return &Error{Kind: Unexpected, Operation: operation, Status: res.StatusCode, Message: "the response is not valid JSON for this operation"}
	}
	return nil
}

// pause returns how long Looker still refuses requests. Events must not shorten that.
func (c *Client) pause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Until(c.notBefore)
}

// login returns the access token of a session.
func (c *Client) login(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != "" && time.Now().Before(c.expires) {
		return c.session, nil
	}
	c.session = ""
	var token api.AccessToken
	id, secret := c.config.ClientID, c.config.ClientSecret
	err := c.perform(ctx, loggingIn, &token, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		// Looker stops accepting the key in the query (API 4.0), so it is in the body.
		form := url.Values{"client_id": {id}, "client_secret": {secret}}
		return c.api.LoginWithBody(ctx, "application/x-www-form-urlencoded", bytes.NewBufferString(form.Encode()), editors...)
	})
	if err != nil {
		return "", err
	}
	if valueOf(token.AccessToken) == "" {
		return "", &Error{Kind: Unexpected, Operation: loggingIn, Status: http.StatusOK, Message: "the response has no access token"}
	}
	lifetime := time.Duration(valueOf(token.ExpiresIn)) * time.Second
	if lifetime <= 0 {
		lifetime = defaultExpiry
	}
	c.session, c.expires = *token.AccessToken, time.Now().Add(lifetime-min(expiryReserve, lifetime/2))
	return c.session, nil
}

// forget drops a session that Looker refused.
func (c *Client) forget(session string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == session {
		c.session = ""
	}
}

// Logout ends the session, if there is one. It does not wait for other calls.
func (c *Client) Logout(ctx context.Context) error {
	c.mu.Lock()
	session := c.session
	c.session = ""
	c.mu.Unlock()
	defer c.http.CloseIdleConnections()
	if session == "" {
		return nil
	}
	return c.perform(ctx, "logging out", nil, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.Logout(ctx, editors...)
	}, api.WithAccessToken(session))
}

func valueOf[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
