// Package sample writes results as Looker sends them, for trying a hub without Looker. The
// same number of rows gives the same bytes each time, and any number streams in constant
// memory. The people in it do not exist: their addresses and telephone numbers are from
// ranges that are reserved for examples.
package sample

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"integrationhub.dev/hub/action"
)

// writers are the formats, in the order of Looker's documentation.
var writers = []struct {
	format action.Format
	write  func(w *bufio.Writer, rows int) error
}{
	{action.JSONDetail, writeDetail(true)},
	{action.JSONDetailLiteStream, writeDetail(false)},
	{action.JSONBI, writeBI},
	{action.JSON, writeObjects(func(c column) string { return c.Name })},
	{action.InlineJSON, writeObjects(func(c column) string { return c.Name })},
	{action.JSONLabel, writeObjects(func(c column) string { return c.Label })},
	{action.CSV, writeCSV},
	{action.CSVZip, writeCSVZip},
	{action.Txt, writeText},
	{action.HTML, writeHTML},
	{action.XLSX, writeXLSX},
}

// Formats are those that can be written. Pictures and PDFs, which only Looker renders, are not.
func Formats() []action.Format {
	formats := make([]action.Format, len(writers))
	for i, w := range writers {
		formats[i] = w.format
	}
	return formats
}

// Binary reports whether a format is not text.
func Binary(f action.Format) bool { return f == action.XLSX || f == action.CSVZip }

// Write writes a result with so many rows.
func Write(w io.Writer, format action.Format, rows int) error {
	if rows < 0 {
		return fmt.Errorf("a result cannot have %d rows", rows)
	}
	for _, c := range writers {
		if c.format != format {
			continue
		}
		b := bufio.NewWriterSize(w, 64<<10)
		if err := c.write(b, rows); err != nil {
			return err
		}
		return b.Flush()
	}
	return fmt.Errorf("%s is not a format with samples: choose one of %s", format, names(Formats()))
}

func names(formats []action.Format) string {
	var texts []string
	for _, f := range formats {
		texts = append(texts, string(f))
	}
	return strings.Join(texts, ", ")
}
