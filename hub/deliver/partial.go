package deliver

import (
	"fmt"
	"maps"
	"slices"
)

// PartialError is the error of a call that the destination answered item by item. It maps the
// index of an item in the batch to the reason why it was not accepted. All other items were.
type PartialError map[int]error

func (e PartialError) Error() string {
	if len(e) == 0 {
		return "no items failed"
	}
	first := slices.Min(slices.Collect(maps.Keys(e)))
	return fmt.Sprintf("%d items failed; item %d: %v", len(e), first, e[first])
}

// Partial returns a [PartialError], or nil if no item failed.
func Partial(errs map[int]error) error {
	if len(errs) == 0 {
		return nil
	}
	return PartialError(errs)
}

// rejectError is about one item of the source.
type rejectError struct{ error }

func (r rejectError) Unwrap() error { return r.error }

// Reject wraps the reason why an item cannot be sent. The source of [Batches] yields it in place
// of the item, which counts as failed, and the reading goes on.
func Reject(err error) error { return rejectError{err} }
