package payload

import (
	"context"
	"iter"

	"integrationhub.dev/hub/action"
)

// LimitRows returns data whose table ends in an error after a number of rows.
func LimitRows(data action.Data, maxRows int64) action.Data { return rowLimit{data, maxRows} }

type rowLimit struct {
	action.Data
	maxRows int64
}

// Table implements [action.Data].
func (d rowLimit) Table(ctx context.Context) (*action.Table, error) {
	t, err := d.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	return t.WithRows(d.limit(t.Rows())), nil
}

func (d rowLimit) limit(rows iter.Seq2[action.Row, error]) iter.Seq2[action.Row, error] {
	return func(yield func(action.Row, error) bool) {
		n := int64(0)
		for row, err := range rows {
			if n++; n > d.maxRows && err == nil {
				yield(action.Row{}, action.Errorf(action.TooLarge, "The result has more rows than this hub delivers (%d).", d.maxRows))
				return
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
