package sagemaker

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/bounded"
)

// table is CSV as SageMaker reads it: without the header line, and without the first columns
// where they are not for the model. It is checked on the way, since SageMaker would say what
// is wrong with it only once it had started its machines.
//
// It is the [action.Data] of an upload, and counts what it gave.
type table struct {
	action.Data
	// strip is how many columns at the beginning are left out.
	strip int
	// numeric is set for training: all is numbers, and the first one is the label, which no
	// row may lack.
	numeric bool
	// raw gets the bytes as they came; nil if nobody wants them.
	raw io.Writer

	// What follows is known once all was read.
	columns int
	rows    int
	bytes   int64
}

// Open implements [action.Data].
func (t *table) Open(ctx context.Context) (io.ReadCloser, error) {
	src, err := t.Data.Open(ctx)
	if err != nil {
		return nil, err
	}
	var in io.Reader = src
	if t.raw != nil {
		in = io.TeeReader(src, t.raw)
	}
	r := &tableReader{table: t, src: src, in: csv.NewReader(bounded.NewCSV(in, t.MaxValueBytes()))}
	r.in.ReuseRecord = true
	r.out = csv.NewWriter(&r.ready)
	return r, nil
}

// MIME implements [action.Data].
func (*table) MIME() string { return contentType }

const contentType = "text/csv"

// tableReader turns records into lines as they are asked for.
type tableReader struct {
	table *table
	src   io.Closer
	in    *csv.Reader
	out   *csv.Writer
	ready bytes.Buffer
	names []string
	err   error
	// line and offset are where the last record ended.
	line   int
	offset int64
}

// enough is how many bytes are made ready at once.
const enough = 32 << 10

func (r *tableReader) Read(p []byte) (int, error) {
	for r.ready.Len() < enough && r.err == nil {
		r.err = r.next()
	}
	if r.ready.Len() == 0 {
		return 0, r.err
	}
	n, err := r.ready.Read(p)
	r.table.bytes += int64(n)
	return n, err
}

func (r *tableReader) Close() error { return r.src.Close() }

// next makes the next record ready.
func (r *tableReader) next() error {
	record, err := r.in.Read()
	if err := r.skipped(record, err); err != nil {
		return err
	}
	switch {
	case errors.Is(err, io.EOF) && r.table.rows == 0:
		return action.Errorf(action.Invalid, "Looker sent no rows.")
	case err != nil:
		return r.explain(err)
	case r.names == nil:
		return r.header(record)
	}
	r.table.rows++
	if r.table.numeric {
		if err := r.check(record); err != nil {
			return err
		}
	}
	if err := r.out.Write(record[r.table.strip:]); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	r.out.Flush()
	return r.out.Error()
}

// skipped says that the reader took an empty line for nothing. In a result of one column that
// is a row without a value: the answers of the model would not fit to the rows any more.
func (r *tableReader) skipped(record []string, err error) error {
	if len(r.names) > 1 || err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	empty := r.in.InputOffset() != r.offset // at the end nothing else is left
	if err == nil {
		line, _ := r.in.FieldPos(0)
		empty = line != r.line+1
		r.line, r.offset = line+strings.Count(record[0], "\n"), r.in.InputOffset()
	}
	if empty && r.names != nil {
		return action.Errorf(action.Invalid, "Row %d is empty: in a result of one column it looks like a missing row. Fill it, "+
			"or add a column.", r.table.rows+1)
	}
	return nil
}

func (r *tableReader) header(record []string) error {
	r.names = append([]string(nil), record...)
	r.table.columns = len(record)
	switch {
	case r.table.numeric && len(record) < 2:
		return action.Errorf(action.Invalid, "A model is trained with two columns at least: the label and what it depends on.")
	case len(record) <= r.table.strip:
		return action.InvalidField("numStripColumns", "The result has %d columns: none is left for the model.", len(record))
	}
	return nil
}

// check refuses what the algorithms cannot read. It names the column, never the value.
func (r *tableReader) check(record []string) error {
	for i, cell := range record {
		if cell == "" && i > 0 {
			continue // a missing value
		}
		if !isNumber(cell) {
			what := "does not hold a number"
			if cell == "" {
				what = "is empty, though it is the label"
			}
			return action.Errorf(action.Invalid, "Row %d: column %q %s. Models are trained with numbers, the label first.", r.table.rows, r.names[i], what)
		}
	}
	return nil
}

// isNumber knows plain decimals at a glance: a result has many of them.
func isNumber(cell string) bool {
	digits, dots := 0, 0
	for i := range len(cell) {
		switch c := cell[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			dots++
		case c == '-' && i == 0:
		default:
			_, err := strconv.ParseFloat(cell, 64)
			return err == nil || errors.Is(err, strconv.ErrRange)
		}
	}
	return digits > 0 && dots <= 1
}

// explain tells bad CSV from a source that fails.
func (r *tableReader) explain(err error) error {
	parse, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case !ok:
		return err // the source's own, or its end
	case errors.Is(err, csv.ErrFieldCount):
		return action.Errorf(action.Invalid, "Row %d does not have the %d columns that the first line names.", r.table.rows+1, len(r.names))
	}
	return action.Errorf(action.Invalid, "Line %d is not valid CSV: %v.", parse.Line, parse.Err)
}
