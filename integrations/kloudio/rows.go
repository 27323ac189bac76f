package kloudio

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
)

// errFormat is for results without fields.
var errFormat = action.Errorf(action.Invalid, "Request payload is an invalid format.")

// writeRows writes the result as a JSON array of rows of text. The first row has the dimensions'
// labels. Measures and calculations are not sent.
func writeRows(ctx context.Context, w io.Writer, data action.Data) error {
	table, err := data.Table(ctx)
	if err != nil {
		return err
	}
	var dimensions []int
	var line []string
	for n, c := range table.Columns {
		if c.Group == "dimensions" {
			dimensions = append(dimensions, n)
			line = append(line, c.Label)
		}
	}
	if len(dimensions) == 0 {
		return errFormat
	}
	separator := "["
	write := func() error {
		text, err := json.Marshal(line)
		if err != nil {
			return fmt.Errorf("encoding a row: %w", err)
		}
		_, err = io.WriteString(w, separator+string(text))
		separator = ","
		return err
	}
	if err := write(); err != nil {
		return err
	}
	for row, err := range table.Rows() {
		if err != nil {
			return err
		}
		for n, column := range dimensions {
			line[n] = row.Cell(column).Rendered()
		}
		if err := write(); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "]")
	return err
}

// measure returns the size of the rows. The store requires it, and reading all data first detects a
// truncated source.
func measure(ctx context.Context, data action.Data) (int64, error) {
	var n counter
	err := writeRows(ctx, &n, data)
	return int64(n), err
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// stream encodes the rows as they are read.
func stream(ctx context.Context, data action.Data) io.ReadCloser {
	r, w := io.Pipe()
	panics.Go(func() error {
		buffered := bufio.NewWriterSize(w, 64<<10)
		if err := writeRows(ctx, buffered, data); err != nil {
			return err
		}
		return buffered.Flush()
	}, func(err error) { _ = w.CloseWithError(err) })
	return r
}
