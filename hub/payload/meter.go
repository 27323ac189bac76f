package payload

import (
	"context"
	"io"
	"iter"

	"integrationhub.dev/hub/action"
)

// Meter hears how much of its data an integration takes, while it takes it.
type Meter interface {
	// Bytes is told of n more bytes of decoded data.
	Bytes(n int)
	// Row is told of one more row of a table.
	Row()
}

// Metered makes data of an envelope tell m what is read of it. Integrations know nothing of
// it.
func (e *Envelope) Metered(data action.Data, m Meter) action.Data {
	return metered{data, e.share, m}
}

type metered struct {
	action.Data
	share *Share
	meter Meter
}

// Open implements [action.Data].
func (d metered) Open(ctx context.Context) (io.ReadCloser, error) {
	r, err := d.Data.Open(ctx)
	if err != nil {
		return nil, err
	}
	return meteredReader{r, d.meter}, nil
}

// Spool implements [action.Data]. What is fetched counts once, however often it is read.
func (d metered) Spool(ctx context.Context, most int64) (action.Blob, error) {
	blob, err := d.Data.Spool(ctx, most)
	if err == nil {
		d.meter.Bytes(int(blob.Size()))
	}
	return blob, err
}

// Table implements [action.Data].
func (d metered) Table(ctx context.Context) (*action.Table, error) {
	r, err := d.Open(ctx)
	if err != nil {
		return nil, err
	}
	t, err := decodeTable(r, d.share, d.MaxValueBytes())
	if err != nil {
		return nil, err
	}
	return t.WithRows(d.rows(t.Rows())), nil
}

func (d metered) rows(rows iter.Seq2[action.Row, error]) iter.Seq2[action.Row, error] {
	return func(yield func(action.Row, error) bool) {
		for row, err := range rows {
			if err == nil {
				d.meter.Row()
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

type meteredReader struct {
	io.ReadCloser
	meter Meter
}

func (r meteredReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.meter.Bytes(n)
	return n, err
}
