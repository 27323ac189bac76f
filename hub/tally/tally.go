// Package tally counts what one delivery does, wherever in the hub it is done: the count
// travels with the delivery's context.
package tally

import (
	"context"
	"sync/atomic"
)

// Tally is one delivery's count. Its fields may be added to by many goroutines.
type Tally struct {
	// RowsRead are rows of the result that the integration took.
	RowsRead atomic.Int64
	// Bytes are bytes of the result that the integration took as a file.
	Bytes atomic.Int64
	// Delivered and Failed are items that the destination accepted, and that it did not.
	Delivered, Failed atomic.Int64
	// Retries are calls to the destination that were made again.
	Retries atomic.Int64
}

type key struct{}

// With returns a context whose delivery is counted in the returned tally.
func With(ctx context.Context) (context.Context, *Tally) {
	t := &Tally{}
	return context.WithValue(ctx, key{}, t), t
}

// From returns the context's tally. Where there is none what is counted is lost; it is never nil.
func From(ctx context.Context) *Tally {
	if t, ok := ctx.Value(key{}).(*Tally); ok {
		return t
	}
	return &Tally{}
}
