package panics

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"
)

// Catch calls f and returns its error, or its panic as an [*Error].
func Catch(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = NewError(v)
		}
	}()
	return f()
}

// Go runs f on a new goroutine, and then calls done there with its error or its panic.
func Go(f func() error, done func(error)) {
	go func() { done(Catch(f)) }()
}

// Of returns the panic in an error, or nil.
func Of(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return nil
}

// Group is an [errgroup.Group] that converts panics into errors.
type Group struct{ group *errgroup.Group }

// WithContext returns a group and a context that ends with its first error, or when Wait returns.
func WithContext(ctx context.Context) (*Group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	return &Group{g}, ctx
}

// SetLimit limits the number of running functions.
func (g *Group) SetLimit(n int) { g.group.SetLimit(n) }

// Run calls f on a new goroutine once the limit allows it.
func (g *Group) Run(f func() error) { g.group.Go(func() error { return Catch(f) }) }

// Wait waits for all functions and returns the first error.
func (g *Group) Wait() error { return g.group.Wait() }

// Reader returns a reader that converts panics of r into errors, for code that reads on another
// goroutine.
func Reader(r io.Reader) io.Reader { return reader{r} }

type reader struct{ io.Reader }

func (r reader) Read(p []byte) (n int, err error) {
	err = Catch(func() error {
		var err error
		n, err = r.Reader.Read(p)
		return err
	})
	return n, err
}
