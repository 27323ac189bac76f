package rowlog

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"integrationhub.dev/hub/action"
)

// maxRejectedBytes is the maximum size of the compressed file in memory.
const maxRejectedBytes = 4 << 20

// rejected is a CSV file, compressed by gzip, with the rows that were not delivered and why.
type rejected struct {
	header []string

	mu    sync.Mutex
	count int
	// stored is less than count once the file is full.
	stored int
	file   bytes.Buffer
	gzip   *gzip.Writer
	csv    *csv.Writer
}

func newRejected(header []string) *rejected {
	r := &rejected{header: header}
	r.gzip = gzip.NewWriter(&r.file)
	r.csv = csv.NewWriter(r.gzip)
	return r
}

// add never fails: the writers write to memory.
func (r *rejected) add(record []string, reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if r.file.Len() > maxRejectedBytes {
		return
	}
	if r.stored == 0 {
		r.write(r.header, "Reason")
	}
	r.write(record, action.MessageOf(reason))
	r.stored++
}

func (r *rejected) write(record []string, last string) {
	cells := make([]string, 0, len(record)+1)
	for _, text := range append(record, last) {
		cells = append(cells, plain(text))
	}
	_ = r.csv.Write(cells)
}

// titles are the header of a table.
func titles(table *action.Table) []string {
	all := make([]string, len(table.Columns))
	for n, c := range table.Columns {
		all[n] = c.Title()
	}
	return all
}

// recordOf returns the texts of a row.
func recordOf(table *action.Table, row action.Row) []string {
	record := make([]string, len(table.Columns))
	for n := range table.Columns {
		cell := row.Cell(n)
		record[n] = cell.Text()
		if cell.Value() == nil {
			record[n] = string(cell.Raw()) // a pivoted column
		}
	}
	return record
}

// plain makes a spreadsheet show a cell's text instead of evaluating it. Numbers are left alone.
// https://owasp.org/www-community/attacks/CSV_Injection
func plain(text string) string {
	if text == "" || !strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return "'" + text
}

// store writes the file and returns its address. The name has a random part: deliveries may end in the
// same second.
func (r *rejected) store(ctx context.Context, l *Log) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.csv.Flush()
	if err := r.gzip.Close(); err != nil {
		return "", fmt.Errorf("compressing the rejected rows: %w", err)
	}
	now := time.Now().UTC()
	name := fmt.Sprintf("rejected/%s/%s-%s.csv.gz", l.integration, now.Format("2006-01-02/150405"), uuid.NewString())
	if _, err := l.bucket.Put(ctx, name, "application/gzip", "", r.file.Bytes()); err != nil {
		return "", fmt.Errorf("storing the rejected rows: %w", err)
	}
	return l.bucket.URL(name), nil
}

// note tells the Looker user where the file is. unnamed is whether other rows failed, too.
func (r *rejected) note(itemName, address string, unnamed bool) string {
	switch {
	case unnamed:
		return fmt.Sprintf("%d of the %s that were not delivered are stored in %s. The destination did not name the others.", r.stored, itemName, address)
	case r.stored < r.count:
		return fmt.Sprintf("The first %d of %d %s that were not delivered are stored in %s.", r.stored, r.count, itemName, address)
	}
	return fmt.Sprintf("The %s that were not delivered are stored in %s.", itemName, address)
}
