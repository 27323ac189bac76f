package deliver

import "context"

// Observer hears of a delivery while it runs. Its methods are called by many goroutines at
// once.
type Observer interface {
	// Items is told that n items were accepted, or, with an error, that they were not and will
	// not be tried again.
	Items(n int, err error)
	// Retry is told that a call which failed with err is made again now.
	Retry(err error)
}

type observerKey struct{}

// WithObserver returns a context whose deliveries o hears of.
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
