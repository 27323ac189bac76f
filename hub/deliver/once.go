package deliver

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// Once makes a call that does its work each time it is made, such as sending a message:
// nobody wants that twice, and nobody wants to be told that it failed when it did not. It goes
// over a fresh connection: see [outbound.WithFreshConnection].
type Once struct {
	// Name is what people call the destination.
	Name string
	// Timeout bounds each call; 0 leaves that to the context.
	Timeout time.Duration
	// Doubt is added to the message of an error after which the work may have been done all
	// the same. It is a sentence.
	Doubt string
}

// onceRetry is for calls that did nothing. A destination that is out of reach for longer
// than these waits together is out of order.
var onceRetry = Retry{Tries: 4, First: time.Second, Longest: 30 * time.Second}

// Do calls f, with the context that its HTTP request must carry. It calls f again only where
// the destination did nothing: it refused the call for its rate (429), or the connection
// failed before any of the request was sent.
func (o Once) Do(ctx context.Context, f func(context.Context) error) error {
	var sent bool
	retry := onceRetry
	retry.When = func(err error) bool {
		return !tooLong(err) && nothingDone(err, sent)
	}
	err := retry.Do(ctx, func(ctx context.Context) error {
		var err error
		sent, err = o.call(ctx, f)
		return err
	})
	kind := action.KindOf(err)
	if err == nil || o.Doubt == "" || errors.Is(err, outbound.ErrInDoubt) || nothingDone(err, sent) || kind != action.Unavailable && kind != action.Timeout {
		return err
	}
	return action.Wrap(err, kind, "%s %s", action.MessageOf(err), o.Doubt)
}

// call makes one call and reports whether anything of its request was sent.
func (o Once) call(ctx context.Context, f func(context.Context) error) (bool, error) {
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.Timeout, action.Errorf(action.Timeout, "%s did not answer in time.", o.Name))
		defer cancel()
	}
	var sent atomic.Bool // set on the HTTP client's own goroutine
	ctx = outbound.WithDoubt(outbound.WithFreshConnection(ctx), o.Doubt)
	err := f(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}))
	return sent.Load(), err
}

func nothingDone(err error, sent bool) bool {
	kind := action.KindOf(err)
	return kind == action.RateLimited || !sent && kind.Retryable()
}
