package rows

import (
	"context"
	"iter"

	"integrationhub.dev/hub/action"
)

// Open decodes an integration's input and opens the request's rows. The input comes first: its
// errors are the user's to correct, and must not wait for a download.
func Open[In any](ctx context.Context, req *action.Request) (In, *action.Table, error) {
	in, err := action.Decode[In](req)
	if err != nil {
		return in, nil, err
	}
	table, err := req.Data.Table(ctx)
	return in, table, err
}

// OpenAttached is [Open] for a request that must have its data attached. It fails first, with the
// reference's message, if there is none.
func OpenAttached[In any](ctx context.Context, req *action.Request) (In, *action.Table, error) {
	if err := RequireAttached(req); err != nil {
		var in In
		return in, nil, err
	}
	return Open[In](ctx, req)
}

// RequireAttached returns the reference's error for a request without attached data.
func RequireAttached(req *action.Request) error {
	if req.Data.Empty() {
		return action.Errorf(action.Invalid, "No attached json.")
	}
	return nil
}

// Convert yields the rows of a table as items for [deliver.Batches]. An error of convert takes the
// place of its row: [deliver.Reject] rejects only that row.
func Convert[T any](table *action.Table, convert func(action.Row) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for row, err := range table.Rows() {
			var item T
			if err == nil {
				item, err = convert(row)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}
