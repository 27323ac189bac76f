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
}

// retryFor decides which calls are made again. User attributes can be set twice. mParticle does
// not deduplicate events, so a call with events is repeated only if it had no effect.
func retryFor(kind dataType) deliver.Policy {
	if kind == eventData {
		return deliver.Once{Name: name, MaybeDeliveredHint: "mParticle may have received the events, so they were not sent again."}
	}
	return deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute}
}

// send sends rows in one call: https://docs.mparticle.com/developers/apis/http/.
func (c *client) send(ctx context.Context, rows [][]byte) error {
	body := append(append([]byte("["), bytes.Join(rows, []byte(","))...), ']')
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
	defer cancel()
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
		return action.Errorf(action.Unavailable, "mParticle did not confirm the rows (it answered %d).", res.StatusCode)
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
		return deliver.Stop(action.Wrap(err, kind, "mParticle rejected the API key and secret."))
	case kind == action.NotFound:
		return deliver.Stop(err)
	case kind == action.Invalid:
		return action.Wrap(err, kind, "mParticle rejected a row because of a missing or invalid value (%d).", status.Code)
	case status.Code == http.StatusServiceUnavailable:
		// The one error of its own that mParticle asks to answer with the same call again. It
		// took nothing, as at a limit.
		return action.Wrap(err, action.RateLimited, "mParticle is temporarily unavailable (503).")
	default:
		return err
	}
}
