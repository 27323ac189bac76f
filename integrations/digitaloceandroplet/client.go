package digitaloceandroplet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/hub/outbound"
)

// client calls DigitalOcean with the API key of one request.
type client struct {
	http    *http.Client
	key     action.Secret
	limiter *rate.Limiter
}

// newLimiter stays below DigitalOcean's limit of 250 calls a minute
// (https://docs.digitalocean.com/reference/api/digitalocean/#section/Introduction/Rate-Limit).
func newLimiter() *rate.Limiter { return rate.NewLimiter(rate.Every(time.Minute/240), 10) }

// retry is safe: a droplet that is off stays off, and one that is being turned off rejects a second order.
var retry = deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

// call makes a call about a droplet within the rate limit, and again if it fails temporarily.
func (c client) call(ctx context.Context, method, path, id string, in, out any) error {
	api := outbound.API{
		Name: "DigitalOcean", Base: "https://api.digitalocean.com/v2", Client: c.http, Timeout: time.Minute,
		Authorize: outbound.Bearer(c.key), Explain: func(err *action.Error, status *outbound.StatusError) error {
			return explain(err,
				status, id)
		},
	}
	return deliver.Call(ctx, c.limiter, retry, func(ctx context.Context) error { return api.Call(ctx, method, path, in, out) })
}

// The states of an action: https://docs.digitalocean.com/reference/api/digitalocean/#tag/Droplet-Actions.
const (
	inProgress = "in-progress"
	completed  = "completed"
)

// order starts an action, and returns its ID.
func (c client) order(ctx context.Context, id, kind string) (int64, error) {
	var started actionResponse
	err := c.call(ctx, http.MethodPost, outbound.Path("droplets", id, "actions"), id, map[string]string{"type": kind}, &started)
	return started.Action.ID, err
}

// actionStatus returns the state of an action.
func (c client) actionStatus(ctx context.Context, id string, number int64) (string, error) {
	var now actionResponse
	err := c.call(ctx, http.MethodGet, outbound.Path("droplets", id, "actions", strconv.FormatInt(number, 10)), id, nil, &now)
	return now.Action.Status, err
}

// isOff reports whether a droplet is off.
func (c client) isOff(ctx context.Context, id string) (bool, error) {
	var now dropletResponse
	err := c.call(ctx, http.MethodGet, outbound.Path("droplets", id), id, nil, &now)
	return now.Droplet.Status == "off", err
}

// actionResponse is DigitalOcean's response about a droplet action.
type actionResponse struct {
	Action struct {
		ID     int64  `json:"id"`
		Status string `json:"status"`
	} `json:"action"`
}

// Validate implements what [outbound.API.Call] asks for.
func (s *actionResponse) Validate() error {
	if s.Action.ID == 0 {
		return errors.New("the response has no action")
	}
	return nil
}

// dropletResponse is DigitalOcean's response about a droplet.
type dropletResponse struct {
	Droplet struct {
		Status string `json:"status"`
	} `json:"droplet"`
}

// Validate implements what [outbound.API.Call] asks for.
func (d *dropletResponse) Validate() error {
	if d.Droplet.Status == "" {
		return errors.New("the response has no droplet")
	}
	return nil
}

// method is how a droplet is turned off.
type method string

// DigitalOcean describes a shutdown as graceful and without a guarantee, and a power-off as a hard shutdown for droplets that
// did not shut down: https://docs.digitalocean.com/reference/api/digitalocean/#operation/dropletActions_post.
const (
	shutdown     method = "shutdown"
	shutdownElse method = "shutdown_then_power_off"
	powerOff     method = "power_off"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *method) UnmarshalText(text []byte) error {
	*m = method(text)
	switch *m {
	case shutdown, shutdownElse, powerOff:
		return nil
	}
	return fmt.Errorf("must be %s, %s or %s", shutdown, shutdownElse, powerOff)
}

// How often a droplet is polled, and how long it may take to be off. A droplet takes seconds for either action, unless its
// operating system does not react to the shutdown.
const (
	pollInterval = 10 * time.Second
	offLimit     = 2 * time.Minute
	offLimitText = "2 minutes"
)

// stop turns a droplet off, and waits until it is off.
func (c client) stop(ctx context.Context, id string, how method) error {
	if how == powerOff {
		return c.turnOff(ctx, id, string(powerOff))
	}
	err := c.turnOff(ctx, id, string(shutdown))
	if _, on := errors.AsType[*stillOnError](err); on && how == shutdownElse {
		return c.turnOff(ctx, id, string(powerOff))
	}
	return err
}

// turnOff orders an action and waits until the droplet is off. DigitalOcean rejects the order with 422 if the droplet is off
// already, or if another action is in progress: that can be this one, if the response to an earlier call was lost.
func (c client) turnOff(ctx context.Context, id, kind string) error {
	number, orderErr := c.order(ctx, id, kind)
	if status, ok := errors.AsType[*outbound.StatusError](orderErr); orderErr != nil && (!ok ||
		status.Code != http.StatusUnprocessableEntity) {
		return orderErr
	}
	if orderErr != nil {
		if off, err := c.isOff(ctx, id); err != nil || off {
			return readable(err, id)
		}
	}
	limited, cancel := context.WithTimeoutCause(ctx, offLimit, &stillOnError{id: id, kind: kind, cause: orderErr})
	defer cancel()
	end, err := jobs.Poll(limited, pollInterval, func(ctx context.Context) (*outcome, error) {
		return c.poll(ctx, id, kind, number)
	})
	if err != nil {
		return err
	}
	return end.err
}

// outcome is how an action ended; nil means that the droplet is off.
type outcome struct{ err error }

// poll returns nil while a droplet is on and its action has not failed. Without an action it looks only at the droplet.
func (c client) poll(ctx context.Context, id, kind string, number int64) (*outcome, error) {
	state := completed
	if number != 0 {
		var err error
		if state, err = c.actionStatus(ctx, id, number); err != nil {
			return final(err, id)
		}
	}
	switch state {
	case inProgress:
		return nil, nil //nolint:nilnil // it goes on
	case completed:
		off, err := c.isOff(ctx, id)
		if err != nil {
			return final(err, id)
		}
		if off {
			return &outcome{}, nil
		}
		return nil, nil //nolint:nilnil // it goes on
	}
	return &outcome{&stillOnError{id: id, kind: kind, errored: true}}, nil
}

// final ends the polling for an error that later polls would return, too.
func final(err error, id string) (*outcome, error) {
	if action.KindOf(err).Retryable() {
		return nil, err
	}
	return &outcome{readable(err, id)}, nil
}
