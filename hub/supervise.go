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

// abandonAfter is how long an integration has to return after its context has ended. Most return at
// once; some finish reading a response.
const abandonAfter = 30 * time.Second

// errAbandoned means that an integration did not return after its context had ended.
var errAbandoned = errors.New("the integration did not return after its context had ended")

// supervise calls an integration and returns when the call does, or soon after ctx has ended, so
// that a hanging integration neither holds a slot nor delays the hub's shutdown. A panic becomes
// an error.
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
	entry.Log.ErrorContext(ctx, "abandoned an integration that did not return", "seconds", time.Since(started).Seconds())
	panics.Go(func() error { return <-done }, func(err error) {
		returned()
		entry.Log.WarnContext(ctx, "abandoned integration returned", "seconds", time.Since(started).Seconds(), "error", err)
	})
	var none T
	return none, action.Wrap(fmt.Errorf("%w: %w", errAbandoned, context.Cause(ctx)), action.Timeout,
		"The delivery exceeded its timeout. Some of the data may already have been delivered. Check before retrying.")
}
