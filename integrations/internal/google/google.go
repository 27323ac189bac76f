// Package google holds what integrations share that write to a user's Google Drive: the sign-in,
// the domain allowlist, the choice of a folder, and Drive's API.
//
// google.golang.org/api is not used: for a few requests it would add ten megabytes to the hub (it
// links gRPC). It also does not cancel an upload whose source broke off, and has its own retries.
package google

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/signin"
)

// Google asks for exponential waits of up to 64 seconds; its quotas are by the minute:
// https://developers.google.com/workspace/drive/api/guides/limits
var (
	writeRetry = deliver.Retry{MaxAttempts: 8, InitialBackoff: time.Second, MaxBackoff: 64 * time.Second}
	// readRetry is for forms, for which a user waits.
	readRetry = deliver.Retry{MaxAttempts: 3, InitialBackoff: 500 * time.Millisecond, MaxBackoff: 4 * time.Second}
)

// The time limits of one request.
const (
	readTimeout  = 30 * time.Second
	writeTimeout = 4 * time.Minute
)

// Service is one of Google's products, with the hub's OAuth client for it.
type Service struct {
	// Name is the product's name in messages.
	Name   string
	SignIn *signin.Provider
	HTTP   *http.Client
	Log    *slog.Logger
	// Reads and Writes are the retries of requests that may be repeated.
	Reads, Writes deliver.Retry
	// Chunk is the size of an upload's chunks in bytes, a multiple of 256 KiB.
	Chunk int
}

// NewService makes a service for which users grant the scopes.
func NewService(name string, c Credentials, scopes []string, deps action.Deps) *Service {
	return &Service{
		Name: name, SignIn: provider(c, scopes, deps), HTTP: deps.HTTP, Log: deps.Log,
		Reads: readRetry, Writes: writeRetry, Chunk: chunkSize,
	}
}

// Client is one user's access during one request.
type Client struct {
	*Service
	// Header is added to each request.
	Header http.Header
	// MissingScope, unless nil, is the error for a sign-in without the scope of a request. Otherwise
	// the sign-in counts as no longer valid.
	MissingScope *action.Error

	session  *signin.Session
	redirect string
}

// Read reads a resource, and retries if that can help.
func (c *Client) Read(ctx context.Context, address string, query url.Values, out any) error {
	return c.Reads.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, readTimeout, http.MethodGet, outbound.WithQuery(address, query), nil, out)
	})
}

// Write changes something by a request that may be repeated. A nil in is no body.
func (c *Client) Write(ctx context.Context, method, address string, query url.Values, in, out any) error {
	return c.Writes.Do(ctx, func(ctx context.Context) error { return c.Once(ctx, method, address, query, in, out) })
}

// Once makes a request that is not repeated.
func (c *Client) Once(ctx context.Context, method, address string, query url.Values, in, out any) error {
	return c.call(ctx, writeTimeout, method, outbound.WithQuery(address, query), in, out)
}

func (c *Client) call(ctx context.Context, timeout time.Duration, method, address string, in, out any) error {
	return c.withAPI(ctx, func(ctx context.Context, api outbound.API) error {
		api.Timeout = timeout
		return api.Call(ctx, method, address, in, out)
	})
}

// withAPI calls f with an API that has the user's access token, and once more if Google rejected
// the token and it could be renewed. It is a [resumable.Caller].
func (c *Client) withAPI(ctx context.Context, f func(context.Context, outbound.API) error) error {
	return c.session.Call(ctx, func(ctx context.Context, access string) error {
		return f(ctx, outbound.API{Name: c.Name, Client: c.HTTP, Explain: c.explain, Authorize: func(req *http.Request) {
			maps.Copy(req.Header, c.Header)
			req.Header.Set("Authorization", "Bearer "+access)
		}})
	})
}
