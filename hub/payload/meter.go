package payload

import (
	"io"
	"iter"

	"integrationhub.dev/hub/action"
)

// Meter counts how much of its data an integration reads, while it reads it.
type Meter interface {
	// Bytes adds n bytes of decoded data.
	Bytes(n int)
	// Row adds one row of a table.
	Row()
}

type noMeter struct{}

func (noMeter) Bytes(int) {}
func (noMeter) Row()      {}

// countRows makes a table count its rows as they are read.
func countRows(m Meter) func(*action.Table, error) (*action.Table, error) {
	return func(t *action.Table, err error) (*action.Table, error) {
		if err != nil {
			return nil, err
		}
		return t.WithRows(counted(t.Rows(), m)), nil
	}
}

// countBlob counts the bytes of a fetched payload once, however often it is read.
func countBlob(m Meter) func(action.Blob, error) (action.Blob, error) {
	return func(b action.Blob, err error) (action.Blob, error) {
		if err == nil {
			m.Bytes(int(b.Size()))
		}
		return b, err
	}
}

func counted(rows iter.Seq2[action.Row, error], m Meter) iter.Seq2[action.Row, error] {
	return func(yield func(action.Row, error) bool) {
		for row, err := range rows {
			if err == nil {
				m.Row()
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
