package rows

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/bounded"
)

// EachCSV is [EachCSVRecord] for a result that was fetched.
func EachCSV(blob action.Blob, f func(number int64, record []string) error) error {
	return EachCSVRecord(io.NewSectionReader(blob, 0, blob.Size()), blob.MaxValueBytes(), f)
}

// EachCSVRecord calls f with each record of a result in CSV and its number: 0 is the header. A record
// is valid until f returns. An error of f ends the reading. Records may differ in length, and a byte
// order mark is skipped.
func EachCSVRecord(data io.Reader, maxValueBytes int64, f func(number int64, record []string) error) error {
	src := bufio.NewReader(bounded.NewCSV(data, maxValueBytes))
	if mark, err := src.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = src.Discard(3)
	}
	r := csv.NewReader(src)
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	for number := int64(0); ; number++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if _, ok := errors.AsType[*csv.ParseError](err); ok {
			return action.Wrap(fmt.Errorf("reading CSV after row %d", number), action.Invalid, "The data is not valid CSV.")
		}
		if err != nil {
			return fmt.Errorf("reading the data: %w", err)
		}
		if err := f(number, record); err != nil {
			return err
		}
	}
}
