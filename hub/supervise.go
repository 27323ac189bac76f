package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/panics"
)

// abandonAfter is how long an integration may go on when its context has ended. Most return at
// once; what is left is for answers that are on their way.
const abandonAfter = 30 * time.Second

// errAbandoned says that an integration did not return although its context had ended.
var errAbandoned = errors.New("the integration did not return after its context had ended")

// supervise calls an integration and returns when it does, or soon after ctx has ended: an
// integration that hangs must not hold its place in the hub, or the hub's shutdown. A panic in it
// becomes an error.
func supervise[T any](ctx context.Context, s *Server, entry *catalog.Entry, call func(context.Context) (T, error)) (T, error) {
	var value T
	done := make(chan error, 1)
	started := time.Now()
	panics.Go(func() (err error) {
		value, err = call(ctx)
		return err
	}, func(err error) { done <- err })
	select {
	case err := <-done:
		return value, err
	case <-ctx.Done():
	}
	timer := time.NewTimer(abandonAfter)
	defer timer.Stop()
	select {
	case err := <-done:
		return value, err
	case <-timer.C:
	}
	name := entry.Definition.Name
	returned := s.telemetry.Metrics.Abandoned(name)
	entry.Log.ErrorContext(ctx, "integration does not return and was abandoned", "seconds", time.Since(started).Seconds())
	panics.Go(func() error { return <-done }, func(err error) {
		returned()
		entry.Log.WarnContext(ctx, "abandoned integration returned", "seconds", time.Since(started).Seconds(), "error", err)
	})
	var none T
	return none, action.Wrap(fmt.Errorf("%w: %w", errAbandoned, context.Cause(ctx)), action.Timeout,
		"The delivery exceeded its timeout. Some of the data may already have been delivered. Check before retrying.")
}
