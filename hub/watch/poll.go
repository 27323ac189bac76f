package watch

import (
	"context"
	"time"

	"integrationhub.dev/hub/action"
)

// blindLooks is how many looks in a row may fail for a reason that does not pass by itself,
// such as keys that were withdrawn.
const blindLooks = 5

// Poll looks every so often until look returns something, and returns that. A look that fails
// for the moment is followed by the next. It ends with ctx, whose cause it then returns.
func Poll[T any](ctx context.Context, every time.Duration, look func(context.Context) (*T, error)) (*T, error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	blind := 0
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
		seen, err := look(ctx)
		switch {
		case err == nil && seen != nil:
			return seen, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err == nil:
			blind = 0
		case !action.KindOf(err).Retryable():
			if blind++; blind == blindLooks {
				return nil, err
			}
		}
	}
}
