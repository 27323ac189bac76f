package mparticle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// name is what people call the destination.
const name = "mParticle"

// timeout bounds one call.
const timeout = 30 * time.Second

// envelope is more than a call holds beside its rows.
const envelope = 100

// client calls one workspace.
type client struct {
	http    *http.Client
	address string
	key     string
	secret  action.Secret
	pace    *pace
	again   again
}

// again makes a call, and makes it again where that is safe.
type again func(ctx context.Context, call func(context.Context) error) error

// againFor says when calls are made again. What is said of a user may be said twice. An event
// that is sent twice happened twice, since mParticle does not know it again, so it is sent
// again only where mParticle did not take it.
func againFor(kind dataType) again {
	if kind == eventData {
		return deliver.Once{
			Name: name, Timeout: timeout,
			Doubt: "mParticle may have taken the events all the same, so they were not sent again.",
		}.Do
	}
	retry := deliver.Retry{Tries: 6, First: time.Second, Longest: time.Minute}
	return func(ctx context.Context, call func(context.Context) error) error {
		return retry.Do(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
			defer cancel()
			return call(ctx)
		})
	}
}

// send sends rows in one call: https://docs.mparticle.com/developers/apis/http/.
func (c *client) send(ctx context.Context, rows [][]byte) error {
	body := append(append([]byte("["), bytes.Join(rows, []byte(","))...), ']')
	// Waiting for a turn is no part of the call, which has a time of its own.
	if err := c.pace.wait(ctx); err != nil {
		return err
	}
	return c.again(ctx, func(ctx context.Context) error { return c.call(ctx, body) })
}

func (c *client) call(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("preparing a call: %w", err)
	}
	req.SetBasicAuth(c.key, c.secret.Reveal())
	req.Header.Set("Content-Type", "application/json")
	res, err := outbound.Do(c.http, req, name)
	if err != nil {
		if action.KindOf(err) == action.RateLimited {
			c.pace.limited()
		}
		return explain(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		return action.Errorf(action.Unavailable, "mParticle answered %d, which does not confirm that it took the rows.", res.StatusCode)
	}
	c.pace.used(res.Header)
	return nil
}

// explain says what a failed call means.
func explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	switch kind := action.KindOf(err); {
	case kind == action.Unauthenticated || kind == action.Forbidden:
		return deliver.Stop(action.Wrap(err, kind, "mParticle does not take the API key and secret."))
	case kind == action.NotFound:
		return deliver.Stop(err)
	case kind == action.Invalid:
		return action.Wrap(err, kind, "mParticle refused a row, for a missing or wrong value (%d).", status.Code)
	case status.Code == http.StatusServiceUnavailable:
		// The one error of its own that mParticle asks to answer with the same call again. It
		// took nothing, as at a limit.
		return action.Wrap(err, action.RateLimited, "mParticle is not available now (503).")
	default:
		return err
	}
}
