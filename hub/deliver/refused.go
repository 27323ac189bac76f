package deliver

import "fmt"

// RefusedError is the error of a call that was answered for each item: it maps the place of an
// item in the batch to why the destination did not take it. All other items were accepted.
// Items whose reason may pass are sent again, without the others, as [Retry] allows.
type RefusedError map[int]error

func (r RefusedError) Error() string {
	for _, err := range r {
		return fmt.Sprintf("%d items refused, such as: %v", len(r), err)
	}
	return "no items refused"
}

// rejectError is about one item of the source.
type rejectError struct{ error }

func (r rejectError) Unwrap() error { return r.error }

// Reject wraps what is wrong with one item, which the source of [Batches] yields in its
// place: the item counts as failed, and the reading goes on.
func Reject(err error) error { return rejectError{err} }
