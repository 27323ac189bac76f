// Package google is what integrations share that write into a user's Google Drive: the
// sign-in, the domain allow-list, the choice of a folder, and the calls of Drive's API.
//
// The calls are made by hand: google.golang.org/api, for the few of them, would add ten
// megabytes to the hub (it links gRPC), does not take back an upload whose source broke off,
// and tries again by its own rules.
package google

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
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
	writeRetry = deliver.Retry{Tries: 8, First: time.Second, Longest: 64 * time.Second}
	// readRetry is for forms, where a user waits.
	readRetry = deliver.Retry{Tries: 3, First: 500 * time.Millisecond, Longest: 4 * time.Second}
)

// What bounds one call.
const (
	readTimeout  = 30 * time.Second
	writeTimeout = 4 * time.Minute
)

// Service is one of Google's products with the hub's client for it.
type Service struct {
	// Name is what people call the product.
	Name   string
	SignIn *signin.Provider
	HTTP   *http.Client
	Log    *slog.Logger
	// Reads and Writes say how calls are tried again. Every call through them may be made
	// twice.
	Reads, Writes deliver.Retry
	// Chunk is the size of the pieces in which files are uploaded, in bytes: a multiple of
	// 256 KiB.
	Chunk int
}

// NewService makes a service for which users grant the scopes.
func NewService(name string, c Credentials, scopes []string, deps action.Deps) *Service {
	return &Service{
		Name: name, SignIn: provider(c, scopes, deps.HTTP), HTTP: deps.HTTP, Log: deps.Log,
		Reads: readRetry, Writes: writeRetry, Chunk: chunkSize,
	}
}

// Client is one user's access during one request.
type Client struct {
	*Service
	session  *signin.Session
	redirect string
}

// Read asks for something.
func (c *Client) Read(ctx context.Context, address string, query url.Values, out any) error {
	return c.Reads.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, readTimeout, http.MethodGet, address+"?"+query.Encode(), nil, out)
	})
}

// Write changes something, by a call that may be made twice. A nil in is no body.
func (c *Client) Write(ctx context.Context, method, address string, query url.Values, in, out any) error {
	return c.Writes.Do(ctx, func(ctx context.Context) error { return c.Once(ctx, method, address, query, in, out) })
}

// Once makes a call that is not made again.
func (c *Client) Once(ctx context.Context, method, address string, query url.Values, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encoding a call: %w", err)
		}
	}
	return c.call(ctx, writeTimeout, method, address+"?"+query.Encode(), body, out)
}

// call makes a call once, or twice where the access token had to be renewed.
func (c *Client) call(ctx context.Context, timeout time.Duration, method, address string, body []byte, out any) error {
	return c.authorized(ctx, timeout, method, address, http.Header{"Content-Type": {"application/json"}}, body, func(req *http.Request) error {
		return outbound.JSON(c.HTTP, req, c.Name, out)
	})
}

// authorized prepares a call and has it made by do.
func (c *Client) authorized(ctx context.Context, timeout time.Duration, method, address string, header http.Header, body []byte, do func(*http.Request) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", c.Name))
	defer cancel()
	return c.session.Call(ctx, func(ctx context.Context, access string) error {
		req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("preparing a call: %w", err)
		}
		req.Header = header.Clone()
		req.Header.Set("Authorization", "Bearer "+access)
		return c.explain(do(req))
	})
}
