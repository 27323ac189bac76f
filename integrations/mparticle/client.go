package mparticle

import (
	"context"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/rows"
)

// name is the destination's name in messages.
const name = "mParticle"

// timeout bounds one call.
const timeout = 30 * time.Second

// client calls one workspace.
type client struct {
	http    *http.Client
	address string
	key     string
	secret  action.Secret
	pace    *pace
}

// retry is safe: mParticle deduplicates rows by their source_request_id. See [mapping.id].
var retry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute}

// send sends rows in one call: https://docs.mparticle.com/developers/apis/http/.
func (c *client) send(ctx context.Context, batches [][]byte) error {
	api := outbound.API{
		Name: name, Client: c.http, Timeout: timeout, Explain: c.explain,
		Authorize: func(req *http.Request) { req.SetBasicAuth(c.key, c.secret.Reveal()) },
	}
	head := outbound.Head{Want: http.StatusAccepted}
	if err := api.Call(outbound.WithDoubt(ctx, ""), http.MethodPost, c.address, rows.JSONBody("[", batches, "]"), &head); err != nil {
		return err
	}
	c.pace.used(head.Header)
	return nil
}

// explain explains a rejected call.
func (c *client) explain(err *action.Error, status *outbound.StatusError) error {
	switch {
	case err.Kind == action.RateLimited:
		c.pace.limited()
		return err
	case err.Kind == action.Unauthenticated || err.Kind == action.Forbidden:
		return deliver.Stop(action.Wrap(err, err.Kind, "mParticle rejected the API key and secret."))
	case err.Kind == action.NotFound:
		return deliver.Stop(err)
	case err.Kind == action.Invalid:
		return action.Wrap(err, err.Kind, "mParticle rejected a row because of a missing or invalid value (%d).", status.Code)
	case status.Code == http.StatusServiceUnavailable:
		// It is the only error for which mParticle asks to repeat the call. Nothing was processed, as
		// with a rate limit.
		return action.Wrap(err, action.RateLimited, "mParticle is temporarily unavailable (503).")
	default:
		return err
	}
}
