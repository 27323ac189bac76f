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
	table *action.Table

	mu    sync.Mutex
	count int
	// stored is less than count once the file is full.
	stored int
	file   bytes.Buffer
	gzip   *gzip.Writer
	csv    *csv.Writer
}

func newRejected(table *action.Table) *rejected {
	r := &rejected{table: table}
	r.gzip = gzip.NewWriter(&r.file)
	r.csv = csv.NewWriter(r.gzip)
	return r
}

// add never fails: the writers write to memory.
func (r *rejected) add(row action.Row, reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if r.file.Len() > maxRejectedBytes {
		return
	}
	if r.stored == 0 {
		header := make([]string, 0, len(r.table.Columns)+1)
		for _, c := range r.table.Columns {
			header = append(header, plain(c.Title()))
		}
		_ = r.csv.Write(append(header, "Reason"))
	}
	record := make([]string, 0, len(r.table.Columns)+1)
	for n := range r.table.Columns {
		cell := row.Cell(n)
		text := cell.Text()
		if cell.Value() == nil {
			text = string(cell.Raw()) // a pivoted column
		}
		record = append(record, plain(text))
	}
	_ = r.csv.Write(append(record, plain(action.MessageOf(reason))))
	r.stored++
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

// note tells the Looker user where the file is.
func (r *rejected) note(itemName, address string) string {
	if r.stored < r.count {
		return fmt.Sprintf("The first %d of %d %s that were not delivered are stored in %s.", r.stored, r.count, itemName, address)
	}
	return fmt.Sprintf("The %s that were not delivered are stored in %s.", itemName, address)
}
