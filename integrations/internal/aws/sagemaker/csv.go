package sagemaker

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/bounded"
)

// table is a result as SageMaker reads it: CSV without the header line, and without the first columns
// if the model must not get them. Reading checks the rows, since SageMaker reports errors in them only
// after its instances have started.
//
// It is the [action.Data] of an upload, and counts what was read.
type table struct {
	action.Data
	// strip is the number of columns at the beginning that are left out.
	strip int
	// numeric is set for training: all values must be numbers, and the first column, which is the
	// label, must not be empty.
	numeric bool
	// cutAbove, unless 0, is the size above which SageMaker cuts the table at each line break, even at those in values:
	// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html
	cutAbove int64
	// raw, unless nil, receives the bytes of the unchanged result.
	raw io.Writer

	// These are set once all was read.
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

// tableReader converts records to lines as they are read.
type tableReader struct {
	table *table
	src   io.Closer
	in    *csv.Reader
	out   *csv.Writer
	ready bytes.Buffer
	names []string
	err   error
	// line and offset are the position after the last record.
	line   int
	offset int64
	// broken has the position of the first value with a line break, or is empty.
	broken string
}

// minReady is how many bytes are prepared at once.
const minReady = 32 << 10

func (r *tableReader) Read(p []byte) (int, error) {
	for r.ready.Len() < minReady && r.err == nil {
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

// next prepares the next record.
func (r *tableReader) next() error {
	record, err := r.in.Read()
	if err := r.rejectEmptyLine(record, err); err != nil {
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
	if err := r.out.Error(); err != nil {
		return err
	}
	return r.rejectCut(record)
}

// rejectCut returns an error if SageMaker would cut a row into two, whose parts the model would get as rows.
func (r *tableReader) rejectCut(record []string) error {
	if r.table.cutAbove == 0 {
		return nil
	}
	if r.broken == "" {
		i := slices.IndexFunc(record[r.table.strip:], func(cell string) bool { return strings.Contains(cell, "\n") })
		if i < 0 {
			return nil
		}
		r.broken = fmt.Sprintf("Row %d: column %q", r.table.rows, r.names[r.table.strip+i])
	}
	if r.table.bytes+int64(r.ready.Len()) <= r.table.cutAbove {
		return nil
	}
	return action.Errorf(action.Invalid, "%s has a line break. SageMaker cuts data of more than %d MiB at each line break. Remove those "+
		"in values, or send fewer rows.", r.broken, r.table.cutAbove>>20)
}

// rejectEmptyLine returns an error if encoding/csv skipped an empty line. In a result of one column it
// is a row without a value: without it, the model's results would belong to other rows.
func (r *tableReader) rejectEmptyLine(record []string, err error) error {
	if len(r.names) > 1 || err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	empty := r.in.InputOffset() != r.offset // at the end, only an empty line is left
	if err == nil {
		line, _ := r.in.FieldPos(0)
		empty = line != r.line+1
		r.line, r.offset = line+strings.Count(record[0], "\n"), r.in.InputOffset()
	}
	if empty && r.names != nil {
		return action.Errorf(action.Invalid, "Row %d is empty. In a result of one column, SageMaker would skip it. Fill it or add "+
			"a column.", r.table.rows+1)
	}
	return nil
}

func (r *tableReader) header(record []string) error {
	r.names = append([]string(nil), record...)
	r.table.columns = len(record)
	switch {
	case r.table.numeric && len(record) < 2:
		return action.Errorf(action.Invalid, "Training needs at least two columns: the label and a feature.")
	case len(record) <= r.table.strip:
		return action.InvalidField("numStripColumns", "The result has %d columns, so no column is left for the model.", len(record))
	}
	return nil
}

// check rejects what the algorithms cannot read. Its error has the column, but not the value.
func (r *tableReader) check(record []string) error {
	for i, cell := range record {
		if cell == "" && i > 0 {
			continue // a missing value
		}
		if !isNumber(cell) {
			problem := "is not a number"
			if cell == "" {
				problem = "is empty, but it is the label"
			}
			return action.Errorf(action.Invalid, "Row %d: column %q %s. Training data must be numbers, with the label first.",
				r.table.rows, r.names[i], problem)
		}
	}
	return nil
}

// isNumber has a fast path for plain decimals: a result has many of them.
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

// explain explains invalid CSV. Errors of the source are returned as they are.
func (r *tableReader) explain(err error) error {
	parse, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case !ok:
		return err // of the source, or the end
	case errors.Is(err, csv.ErrFieldCount):
		return action.Errorf(action.Invalid, "Row %d does not have %d columns like the header.", r.table.rows+1, len(r.names))
	}
	return action.Errorf(action.Invalid, "Line %d is not valid CSV: %v.", parse.Line, parse.Err)
}
