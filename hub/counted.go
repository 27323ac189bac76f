package hub

import (
	"context"
	"io"
	"iter"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/tally"
)

// counted is data that counts what an integration takes of it.
type counted struct {
	action.Data
	tally *tally.Tally
}

// Open implements [action.Data].
func (d counted) Open(ctx context.Context) (io.ReadCloser, error) {
	r, err := d.Data.Open(ctx)
	if err != nil {
		return nil, err
	}
	return countedReader{r, d.tally}, nil
}

type countedReader struct {
	io.ReadCloser
	tally *tally.Tally
}

func (r countedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.tally.Bytes.Add(int64(n))
	return n, err
}

// Spool implements [action.Data].
func (d counted) Spool(ctx context.Context, most int64) (action.Blob, error) {
	blob, err := d.Data.Spool(ctx, most)
	if err == nil {
		d.tally.Bytes.Add(blob.Size())
	}
	return blob, err
}

// Table implements [action.Data].
func (d counted) Table(ctx context.Context) (*action.Table, error) {
	t, err := d.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	return action.NewTable(t.Columns, t.Pivots, d.count(t.Rows())), nil
}

func (d counted) count(rows iter.Seq2[action.Row, error]) iter.Seq2[action.Row, error] {
	return func(yield func(action.Row, error) bool) {
		for row, err := range rows {
			if err == nil {
				d.tally.RowsRead.Add(1)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
