package auger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/rows"
)

// A file is uploaded in chunks: chunkRows is the reference's, chunkBytes bounds the memory for wide
// rows.
const (
	chunkRows   = 10_000
	chunkBytes  = 8 << 20
	concurrency = 4
)

// file is a query's result at Auger.
type file struct {
	client
	project projectName
	// name has no extension.
	name string
	// columns are the names of the columns. The last one is the target of models.
	columns []string
	rows    int
	// chunked means that there are several chunks, which have other paths than a single one. It is
	// known before the first chunk is sent.
	chunked bool

	mu        sync.Mutex
	numbers   map[int]int
	projectID id
	bucket    string
}

// row is a row as JSON, and its position.
type row struct {
	index int
	json  []byte
}

func (r row) weight() int { return len(r.json) + 1 }

// upload sends a result. A chunk that fails after all retries fails the file.
func (c client) upload(ctx context.Context, project projectName, data action.Data) (*file, error) {
	table, err := data.Table(ctx)
	if err != nil {
		return nil, err
	}
	f := &file{client: c, project: project, name: fileName(table.Columns, time.Now()), numbers: map[int]int{}}
	result := deliver.Batches(ctx, f.rowsOf(table), deliver.Options[row]{
		Size: chunkRows, MaxBytes: chunkBytes, Weight: row.weight, Concurrency: concurrency,
		Retry: retry, StopOnError: true, // a file with missing rows is useless
	}, f.sendChunk)
	if err := result.Err("rows"); err != nil {
		return nil, err
	}
	if f.rows = result.Sent(); f.rows == 0 {
		return nil, action.Errorf(action.Invalid, "Looker sent no rows.")
	}
	return f, nil
}

// fileName has the view of the first column and the time, as in the reference, and a random suffix.
func fileName(columns []action.Column, now time.Time) string {
	view := "looker_file"
	if len(columns) > 0 && columns[0].Group == "dimensions" {
		if v, _, ok := strings.Cut(columns[0].Name, "."); ok && v != "" {
			view = v
		}
	}
	view = strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, view)
	return fmt.Sprintf("%s_%d_%s", view, now.UnixMilli(), strings.ToLower(rand.Text()[:4]))
}

// rowsOf yields the rows once it is known whether they fit into one chunk.
func (f *file) rowsOf(table *action.Table) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		var held []row
		size := 0
		release := func() bool {
			for _, r := range held {
				if !yield(r, nil) {
					return false
				}
			}
			held = nil
			return true
		}
		for r, err := range f.encoded(table) {
			if err == nil && !f.chunked {
				held, size = append(held, r), size+r.weight()
				f.chunked = len(held) > chunkRows || size > chunkBytes
				continue
			}
			if !release() || !yield(r, err) {
				return
			}
		}
		release()
	}
}

// encoded converts rows to JSON objects by the names of the columns.
func (f *file) encoded(table *action.Table) iter.Seq2[row, error] {
	columns := columnsOf(table)
	names := make([][]byte, len(columns))
	for i, c := range columns {
		f.columns = append(f.columns, c.name)
		names[i], _ = json.Marshal(c.name) // strings can always be encoded
	}
	return func(yield func(row, error) bool) {
		index := 0
		for r, err := range table.Rows() {
			if err != nil {
				yield(row{}, err)
				return
			}
			object := []byte{'{'}
			for i, c := range columns {
				if i > 0 {
					object = append(object, ',')
				}
				object = append(append(object, names[i]...), ':')
				if v := c.value(r); v != nil {
					object = append(object, v...)
				} else {
					object = append(object, "null"...)
				}
			}
			if !yield(row{index, append(object, '}')}, nil) {
				return
			}
			index++
		}
	}
}

// number returns a chunk's number from 1, by its first row, so that a retry has the same number.
func (f *file) number(rows []row) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := rows[0].index
	if f.numbers[first] == 0 {
		f.numbers[first] = len(f.numbers) + 1
	}
	return f.numbers[first]
}

// sendChunk requests an upload URL and sends a chunk to it.
func (f *file) sendChunk(ctx context.Context, rows []row) error {
	path := fmt.Sprintf("workspace/projects/%s/files/%s.json", f.project, f.name)
	if f.chunked {
		path = fmt.Sprintf("workspace/projects/%s/files/%s/%d.json", f.project, f.name, f.number(rows))
	}
	ask := f.withToken(map[string]any{"project_name": string(f.project), "file_path": path})
	var place struct {
		ProjectID id     `json:"project_id"`
		Bucket    string `json:"main_bucket"`
		URL       string `json:"url"`
	}
	if err := f.send(ctx, http.MethodPut, "/project_file_urls/", ask, &place); err != nil {
		return err
	}
	if place.ProjectID == "" || place.Bucket == "" || !strings.HasPrefix(place.URL, "https://") {
		return action.Wrap(errNoID, action.Unavailable, "Unexpected response from Auger.")
	}
	f.mu.Lock()
	f.projectID, f.bucket = place.ProjectID, place.Bucket
	f.mu.Unlock()
	return f.store(ctx, place.URL, rows)
}

// store uploads a chunk to Auger's object store. The URL is a credential, so errors must not contain
// it.
func (f *file) store(ctx context.Context, address string, chunk []row) error {
	objects := make([][]byte, len(chunk))
	for i, r := range chunk {
		objects[i] = r.json
	}
	api := outbound.API{
		Name: "Auger's object store", Client: f.http, Timeout: storeTimeout,
		Explain: func(err *action.Error, _ *outbound.StatusError) error {
			if err.Kind == action.Forbidden { // the URL has expired
				return action.Wrap(err, action.Unavailable, "%s", err.Message)
			}
			return err
		},
	}
	return api.Call(ctx, http.MethodPut, address, rows.JSONBody("[", objects, "]"), nil)
}

// storeTimeout bounds the upload of a chunk.
const storeTimeout = 5 * time.Minute

// column is a column at Auger.
type column struct {
	name string
	// index is the column's at Looker, pivot the key of a pivoted one.
	index int
	pivot string
}

// columnsOf returns the columns of a result. A column has its field's name without the view, as in
// the reference, or with the view if two fields share a name. A pivoted field becomes a column for
// each key. Filters and parameters are not in the rows.
func columnsOf(table *action.Table) []column {
	count := map[string]int{}
	for _, c := range table.Columns {
		count[short(c)]++
	}
	used := map[string]bool{}
	var all []column
	add := func(name string, index int, pivot string) {
		for used[name] {
			name += "_"
		}
		used[name] = true
		all = append(all, column{name, index, pivot})
	}
	for i, c := range table.Columns {
		if c.Group == "filters" || c.Group == "parameters" {
			continue
		}
		name := short(c)
		if count[name] > 1 {
			name = strings.ReplaceAll(c.Name, ".", "_")
		}
		if len(table.Pivots) == 0 || c.Group == "dimensions" {
			add(name, i, "")
			continue
		}
		for _, p := range table.Pivots {
			add(name+"_"+p.Key, i, p.Key)
		}
	}
	return all
}

// short returns a field's name without its view. Table calculations have no view.
func short(c action.Column) string {
	if _, name, ok := strings.Cut(c.Name, "."); ok {
		return name
	}
	return c.Name
}

// value returns a row's value, or nil. Totals in a pivoted result have no pivots.
func (c column) value(r action.Row) jsontext.Value {
	cell := r.Cell(c.index)
	if c.pivot != "" {
		if v := cell.Pivot(c.pivot).Value(); v != nil {
			return v
		}
	}
	return cell.Value()
}
