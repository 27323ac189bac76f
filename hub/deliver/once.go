package deliver

import (
	"cmp"
	"context"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

var _ Policy = Once{}

// Once makes a call that takes effect each time it is made, such as sending a message. It makes
// the call again only if the destination did nothing, and over a fresh connection: see
// [outbound.WithFreshConnection].
type Once struct {
	// Name is the destination's name in messages.
	Name string
	// Timeout bounds each call; 0 leaves that to the context.
	Timeout time.Duration
	// MaybeDeliveredHint is a sentence that is added to the message of an error after which the
	// call may still have taken effect.
	MaybeDeliveredHint string
	// NoEffect reports further errors after which the destination did nothing. nil means none.
	NoEffect func(error) bool
	// MaxAttempts is the maximum number of calls; 0 means 4.
	MaxAttempts int
}

// onceRetry is for calls that had no effect. Its backoff bridges a short outage.
var onceRetry = Retry{MaxAttempts: 4, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

// Do calls f with the context that its HTTP request must use. It calls f again only if the
// destination did nothing: it returned 429, or the connection failed before the request was
// written.
func (o Once) Do(ctx context.Context, f func(context.Context) error) error { return o.do(ctx, nil, f) }

func (o Once) do(ctx context.Context, limiter *rate.Limiter, f func(context.Context) error) error {
	var written bool
	retry := onceRetry
	retry.MaxAttempts = cmp.Or(o.MaxAttempts, retry.MaxAttempts)
	retry.When = func(err error) bool {
		return !retryAfterTooLong(err) && o.hadNoEffect(err, written)
	}
	err := retry.Do(ctx, func(ctx context.Context) error {
		written = false
		err := pace(ctx, limiter) // not within the call's timeout
		if err == nil {
			written, err = o.call(ctx, f)
		}
		return err
	})
	kind := action.KindOf(err)
	switch {
	case err == nil, o.MaybeDeliveredHint == "", errors.Is(err, outbound.ErrInDoubt), Stopped(err), o.hadNoEffect(err, written):
		return err
	case kind == action.Unavailable, kind == action.Timeout:
		return action.Wrap(err, kind, "%s %s", action.MessageOf(err), o.MaybeDeliveredHint)
	}
	return err
}

// call makes one call and reports whether its request was written.
func (o Once) call(ctx context.Context, f func(context.Context) error) (bool, error) {
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.Timeout, action.Errorf(action.Timeout, "%s did not respond in time.", o.Name))
		defer cancel()
	}
	var written atomic.Bool // set on the HTTP client's own goroutine
	ctx = outbound.WithDoubt(outbound.WithFreshConnection(ctx), o.MaybeDeliveredHint)
	err := f(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }}))
	return written.Load(), err
}

func (o Once) retryable(err error) bool {
	return !Stopped(err) && !retryAfterTooLong(err) && o.hadNoEffect(err, true)
}

func (o Once) hadNoEffect(err error, written bool) bool {
	kind := action.KindOf(err)
	return o.NoEffect != nil && o.NoEffect(err) || kind == action.RateLimited || !written && kind.Retryable()
}
