package deliver

import "context"

// Observer is notified of a delivery's progress. Its methods are called concurrently.
type Observer interface {
	// Items is called when n items were accepted or, with an error, failed for good.
	Items(n int, err error)
	// Retry is called before a call that failed with err is made again.
	Retry(err error)
}

type observerKey struct{}

// WithObserver returns a context that notifies o of its deliveries.
func WithObserver(ctx context.Context, o Observer) context.Context {
	return context.WithValue(ctx, observerKey{}, o)
}

// observer never returns nil.
func observer(ctx context.Context) Observer {
	if o, ok := ctx.Value(observerKey{}).(Observer); ok {
		return o
	}
	return unobserved{}
}

type unobserved struct{}

func (unobserved) Items(int, error) {}
func (unobserved) Retry(error)      {}
