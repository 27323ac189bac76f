// Package slack holds what the Slack integrations share: the form fields for the destination, and
// the delivery. The integrations differ only in where the token comes from.
package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/pasted"
)

// name is the destination's name in messages.
const name = "Slack"

// Connector makes clients. The clients of one token share a short-lived cache of Slack's lists. It
// is safe for concurrent use.
type Connector struct {
	http       *http.Client
	domain     domain
	lists      *cache[[]action.Option]
	workspaces *cache[Workspace]
}

const (
	maxListed     = 200_000 // names, in about 30 MB
	maxWorkspaces = 1000
)

// NewConnector makes a connector that calls Slack through c.
func NewConnector(c *http.Client) *Connector {
	return &Connector{
		http:       c,
		domain:     commercial,
		lists:      newCache(maxListed, func(options []action.Option) uint64 { return 1 + uint64(len(options)) }),
		workspaces: newCache(maxWorkspaces, func(Workspace) uint64 { return 1 }),
	}
}

// settings are the hub's environment variables.
type settings struct {
	// Domain is that of the Slack in which the workspaces are.
	Domain domain `env:"SLACK_DOMAIN"`
}

// domain is the domain of Slack's API and of its pages.
type domain string

// The domains. GovSlack is isolated from the commercial one (https://api.slack-gov.com/gov-slack/about).
const (
	commercial domain = "slack.com"
	government domain = "slack-gov.com"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *domain) UnmarshalText(text []byte) error {
	return choice.Parse(d, string(text), commercial, government)
}

// Connect makes a connector by the hub's settings.
func Connect(deps action.Deps) (*Connector, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	c := NewConnector(deps.HTTP)
	c.domain = cmp.Or(s.Domain, commercial)
	return c, nil
}

// Client calls Slack with one token. It is safe for concurrent use.
type Client struct {
	*Connector
	api   *slack.Client
	token action.Secret
}

// Client makes a client, without calling Slack.
func (c *Connector) Client(token action.Secret) *Client {
	// The library logs only in debug mode, which is off, and sends the token in the body of
	// its calls: no URL in an error can hold it.
	token = action.Secret(pasted.Token(token.Reveal()))
	address := slack.OptionAPIURL("https://" + string(c.domain) + "/api/")
	return &Client{c, slack.New(token.Reveal(), slack.OptionHTTPClient(caller{c.http}), address), token}
}

// Workspace is the team that a token belongs to.
type Workspace struct {
	ID   string
	Name string
}

// Workspace asks Slack which workspace the token belongs to. An error means that it is not valid.
func (c *Client) Workspace(ctx context.Context) (Workspace, error) {
	res, err := retryIdempotent(ctx, c.api.AuthTestContext)
	if err != nil {
		return Workspace{}, err
	}
	return Workspace{ID: res.TeamID, Name: res.Team}, nil
}

// KnownWorkspace is like [Client.Workspace], but may return a cached response.
func (c *Client) KnownWorkspace(ctx context.Context) (Workspace, error) {
	return c.workspaces.get(ctx, keyOf(c.token, "workspace"), c.Workspace)
}

// maxResponse is the maximum size of a response. A page of a thousand users has a few megabytes.
const maxResponse = 32 << 20

// caller is the library's HTTP client. It checks every response itself, because the library takes
// a response with neither "ok" nor "error" for a success.
type caller struct{ http *http.Client }

// Do sends a call of the Web API and returns the response if it says "ok".
func (c caller) Do(req *http.Request) (*http.Response, error) {
	res, err := outbound.Do(c.http, req, name)
	if err != nil {
		return nil, withRetryAfter(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxResponse+1))
	switch {
	case err != nil && req.Context().Err() != nil:
		return nil, fmt.Errorf("reading Slack's response: %w", context.Cause(req.Context()))
	case err != nil:
		return nil, action.Wrap(err, action.Unavailable, "The connection to Slack failed.")
	case len(body) > maxResponse:
		return nil, action.Wrap(outbound.ErrAnswerTooLarge, action.Unavailable, "Slack sent a response that is too large.")
	}
	var answer struct {
		OK     bool   `json:"ok"`
		Error  string `json:"error"`
		Needed string `json:"needed"`
		// Metadata says which argument is wrong.
		Metadata struct {
			Messages []string `json:"messages"`
		} `json:"response_metadata"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, errUnexpected
	}
	if !answer.OK {
		return nil, fromRateLimit(fromResponse(answer.Error, answer.Needed, answer.Metadata.Messages), res.Header)
	}
	res.StatusCode = http.StatusOK // the library knows no other success
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// errUnexpected does not wrap the decoder's error, which can quote the response.
var errUnexpected = action.Errorf(action.Unavailable, "Unexpected response from Slack.")

// classify gives a kind to the library's own errors; [caller] has classified the others.
func classify(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if e, ok := errors.AsType[*action.Error](err); ok {
		return e
	}
	return errUnexpected
}

// formTimeout limits all calls of a form together, since the user is waiting.
const formTimeout = 20 * time.Second

// WithFormTimeout limits the calls of a form.
func WithFormTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, formTimeout, action.Errorf(action.Timeout, "Slack did not respond in time."))
}

// withRetryAfter adds to a rate limit error how long Slack asks to wait.
func withRetryAfter(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || status.RetryAfter == 0 || action.KindOf(err) != action.RateLimited {
		return err
	}
	return action.Wrap(err, action.RateLimited, "Slack is rate limiting requests. Try again in %d seconds.",
		int(status.RetryAfter.Seconds()))
}

// fromRateLimit adds the Retry-After header, in whole seconds, to a rate limit error
// (https://docs.slack.dev/apis/web-api/rate-limits).
func fromRateLimit(refused *action.Error, header http.Header) error {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if refused.Kind == action.RateLimited && err == nil && seconds > 0 {
		refused.Err = errors.Join(refused.Err, &outbound.StatusError{
			Code: http.StatusTooManyRequests, RetryAfter: time.Duration(seconds) * time.Second,
		})
	}
	return withRetryAfter(refused)
}

// retryIdempotent makes a call that has no visible effect, and retries it if that can help.
func retryIdempotent[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	var out T
	retry := deliver.Retry{MaxAttempts: 3, InitialBackoff: 200 * time.Millisecond, MaxBackoff: 2 * time.Second}
	err := retry.Do(ctx, func(ctx context.Context) error {
		var err error
		out, err = call(ctx)
		return classify(err)
	})
	return out, err
}
