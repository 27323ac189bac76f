package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"integrationhub.dev/hub/action"
)

// abandonAfter is how long an integration may go on when its context has ended. Most return at
// once; what is left is for answers that are on their way.
const abandonAfter = 30 * time.Second

// errAbandoned says that an integration did not return although its context had ended.
var errAbandoned = errors.New("the integration did not return after its context had ended")

// supervise calls an integration and returns when it does, or soon after ctx has ended: an
// integration that hangs must not hold its place in the hub, or the hub's shutdown. A panic in it
// becomes an error.
func supervise[T any](ctx context.Context, s *Server, o *offer, call func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	started := time.Now()
	go func() { //nolint:gosec // the context is the caller's
		var r result
		defer func() {
			if v := recover(); v != nil {
				r.err = caught(v)
			}
			done <- r
		}()
		r.value, r.err = call(ctx)
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(abandonAfter)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
	}
	name := o.Definition.Name
	s.metrics.abandoned.WithLabelValues(name).Inc()
	abandoned := s.metrics.abandonedRunning.WithLabelValues(name)
	abandoned.Inc()
	o.log.ErrorContext(ctx, "integration does not return and was abandoned", "seconds", time.Since(started).Seconds())
	go func() {
		<-done
		abandoned.Dec()
		o.log.WarnContext(ctx, "abandoned integration returned", "seconds", time.Since(started).Seconds())
	}()
	var none T
	return none, action.Wrap(fmt.Errorf("%w: %w", errAbandoned, context.Cause(ctx)), action.Timeout,
		"The delivery exceeded its timeout. Some of the data may already have been delivered. Check before retrying.")
}
