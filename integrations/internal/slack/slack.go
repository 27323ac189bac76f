// Package slack is what the Slack integrations share: the fields that ask where a file
// goes, and the delivery itself. They differ only in where the token comes from.
package slack

import (
	"bytes"
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
)

// name is what people call the destination.
const name = "Slack"

// Connector makes clients. Those of one token share what Slack lists for it, for a short
// while. It is safe for use by many goroutines.
type Connector struct {
	http       *http.Client
	lists      *memo[[]action.Option]
	workspaces *memo[Workspace]
}

const (
	maxListed     = 200_000 // names, in about 30 MB
	maxWorkspaces = 1000
)

// NewConnector makes a connector that calls Slack through c.
func NewConnector(c *http.Client) *Connector {
	return &Connector{
		http:       c,
		lists:      newMemo(maxListed, func(options []action.Option) int { return 1 + len(options) }),
		workspaces: newMemo(maxWorkspaces, func(Workspace) int { return 1 }),
	}
}

// Client calls Slack with one token. It is safe for use by many goroutines.
type Client struct {
	*Connector
	api   *slack.Client
	token action.Secret
}

// Client makes a client. It calls nothing.
func (c *Connector) Client(token action.Secret) *Client {
	// The library logs only in debug mode, which is off, and sends the token in the body of
	// its calls: no URL in an error can hold it.
	return &Client{c, slack.New(token.Reveal(), slack.OptionHTTPClient(caller{c.http})), token}
}

// Workspace is the team that a token belongs to.
type Workspace struct {
	ID   string
	Name string
}

// Workspace asks Slack whom the token belongs to, which tells as well whether it is good.
func (c *Client) Workspace(ctx context.Context) (Workspace, error) {
	res, err := repeat(ctx, c.api.AuthTestContext)
	if err != nil {
		return Workspace{}, err
	}
	return Workspace{ID: res.TeamID, Name: res.Team}, nil
}

// KnownWorkspace is [Client.Workspace], except that Slack may have said it some seconds ago.
func (c *Client) KnownWorkspace(ctx context.Context) (Workspace, error) {
	return c.workspaces.get(ctx, keyOf(c.token, "workspace"), c.Workspace)
}

// maxAnswer bounds an answer. A page of a thousand users has a few megabytes.
const maxAnswer = 32 << 20

// caller is the HTTP client of the library. It judges every answer itself: the library
// takes an answer for a success when it lacks "ok" but has no "error" either.
type caller struct{ http *http.Client }

// Do sends a call of the Web API and returns its answer when that says "ok".
func (c caller) Do(req *http.Request) (*http.Response, error) {
	res, err := outbound.Do(c.http, req, name)
	if err != nil {
		return nil, busy(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil && req.Context().Err() != nil:
		return nil, fmt.Errorf("reading the answer of Slack: %w", context.Cause(req.Context()))
	case err != nil:
		return nil, action.Wrap(err, action.Unavailable, "The connection to Slack failed.")
	case len(body) > maxAnswer:
		return nil, action.Wrap(outbound.ErrAnswerTooLarge, action.Unavailable, "Slack sent an answer that is too large.")
	}
	var answer struct {
		OK     bool   `json:"ok"`
		Error  string `json:"error"`
		Needed string `json:"needed"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, errNotUnderstood
	}
	if !answer.OK {
		return nil, patient(refusal(answer.Error, answer.Needed), res.Header)
	}
	res.StatusCode = http.StatusOK // the library knows no other success
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// errNotUnderstood does not wrap the decoder's error, which can quote the answer.
var errNotUnderstood = action.Errorf(action.Unavailable, "Unexpected response from Slack.")

// known classifies what the library itself found wrong; [caller] has classified the rest.
func known(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if e, ok := errors.AsType[*action.Error](err); ok {
		return e
	}
	return errNotUnderstood
}

// budget is how long a form may take with all its calls. Looker's user is waiting.
const budget = 20 * time.Second

// Bounded gives the calls of a form the time that they may take together.
func Bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, budget, action.Errorf(action.Timeout, "Slack took too long to answer."))
}

// busy tells, of an error for the rate of calls, how long Slack asks to wait.
func busy(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || status.RetryAfter == 0 || action.KindOf(err) != action.RateLimited {
		return err
	}
	return action.Wrap(err, action.RateLimited, "Slack takes no more calls for now. It asks to wait for %d seconds.", int(status.RetryAfter.Seconds()))
}

// patient adds to a refusal how long Slack asks to wait, which it says in whole seconds
// (https://docs.slack.dev/apis/web-api/rate-limits).
func patient(refused *action.Error, header http.Header) error {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if refused.Kind == action.RateLimited && err == nil && seconds > 0 {
		refused.Err = errors.Join(refused.Err, &outbound.StatusError{
			Code: http.StatusTooManyRequests, RetryAfter: time.Duration(seconds) * time.Second,
		})
	}
	return busy(refused)
}

// longestPause is the longest wait asked for by Slack that is kept. One that would outlast
// the context is not begun either.
const longestPause = 2 * time.Minute

// repeat makes a call that nobody sees the effect of, again when that can help.
func repeat[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	var out T
	retry := deliver.Retry{
		MaxAttempts: 3, InitialBackoff: 200 * time.Millisecond, MaxBackoff: 2 * time.Second,
		When: func(err error) bool {
			pause := longestPause
			if deadline, bounded := ctx.Deadline(); bounded {
				pause = min(pause, time.Until(deadline))
			}
			if s, ok := errors.AsType[*outbound.StatusError](err); ok && s.RetryAfter > pause {
				return false
			}
			return action.KindOf(err).Retryable()
		},
	}
	err := retry.Do(ctx, func(ctx context.Context) error {
		var err error
		out, err = call(ctx)
		return known(err)
	})
	return out, err
}
