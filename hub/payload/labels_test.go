package payload_test

import (
	"bytes"
	"encoding/json"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/payload"
)

// texts reads a table to its end.
func texts(tab *action.Table) (rows [][]string, err error) {
	for row, err := range tab.Rows() {
		if err != nil {
			return rows, err
		}
		var cells []string
		for i := range tab.Columns {
			cells = append(cells, row.Cell(i).Text())
		}
		rows = append(rows, cells)
	}
	return rows, nil
}

func TestLabelledRows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text    string
		columns []string
		rows    [][]string
	}{
		"rows": {
			` [{"Users Email":"a@b.c","Users Phone":6505551212}, {"Users Phone":null,"Users Email":"d\u00e9"},{"Users Email":""}] `,
			[]string{"Users Email", "Users Phone"},
			[][]string{{"a@b.c", "6505551212"}, {"dé", ""}, {"", ""}},
		},
		"one row":            {`[{"a":12345678901234567890}]`, []string{"a"}, [][]string{{"12345678901234567890"}}},
		"no rows":            {`[]`, nil, nil},
		"rows of nothing":    {`[{},{}]`, nil, [][]string{nil, nil}},
		"a label twice":      {`[{"a":1,"a":2,"b":3},{"a":4,"b":5,"b":6}]`, []string{"a", "b"}, [][]string{{"2", "3"}, {"4", "6"}}},
		"values of any kind": {`[{"a":true,"b":{"x":[1]},"c":[2]}]`, []string{"a", "b", "c"}, [][]string{{"true", `{"x":[1]}`, "[2]"}}},
		"an escaped label":   {`[{"a\u00e9\"":1},{"aé\"":2}]`, []string{`aé"`}, [][]string{{"1"}, {"2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab, err := table(t, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			var columns []string
			for _, c := range tab.Columns {
				if c.Name != c.Label || c.Title() != c.Name {
					t.Errorf("column %+v", c)
				}
				columns = append(columns, c.Name)
			}
			rows, err := texts(tab)
			if diff := cmp.Diff(tt.columns, columns) + cmp.Diff(tt.rows, rows); diff != "" || err != nil {
				t.Errorf("%v, (-want +got):\n%s", err, diff)
			}
		})
	}
}

// What was cut, and what holds more than its columns, is never taken for a smaller result.
func TestLabelledRowsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		rows int // that come before
	}{
		"cut at once":              {`[`, 0},
		"cut in the first row":     {`[{"a":`, 0},
		"cut in a later row":       {`[{"a":1},{"a"`, 1},
		"cut between rows":         {`[{"a":1},`, 1},
		"cut after a row":          {`[{"a":1}`, 1},
		"a first row of no object": {`[5]`, 0},
		"a row that is no object":  {`[{"a":1},5]`, 1},
		"a column more":            {`[{"a":1},{"a":1,"b":2}]`, 1},
		"more after the end":       {`[{"a":1}][]`, 1},
		"garbage after the end":    {`[{"a":1}]<`, 1},
		"no comma":                 {`[{"a":1}{"a":2}]`, 1},
		"garbage":                  {`[<html>]`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rows [][]string
			tab, err := table(t, tt.text)
			if err == nil {
				rows, err = texts(tab)
			}
			if action.KindOf(err) != action.Invalid || len(rows) != tt.rows {
				t.Errorf("%d rows, then %v (%v)", len(rows), err, action.KindOf(err))
			}
		})
	}
}

// No row is kept: any number of them passes in constant memory. Not parallel: the heap is the
// process's, so that the memory of tests beside this one would count.
func TestLabelledRowsStream(t *testing.T) { //nolint:paralleltest // measures the heap
	actiontest.Serial(t)
	const rows = 300_000
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, `{"attachment":{"mimetype":"application/json","data":"[`)
		line := bytes.ReplaceAll([]byte(`{"Users Email":"somebody@example.com","Users Id":17},`), []byte(`"`), []byte(`\"`))
		for range rows {
			_, _ = w.Write(line)
		}
		_, _ = io.WriteString(w, `{}]"}}`)
		_ = w.Close()
	}()
	spool := &payload.Spool{Dir: t.TempDir()}
	e, err := payload.Decode(r, spool.Share(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	tab, err := e.Data(nil).Table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var most uint64
	for row, err := range tab.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%50_000 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		_ = row
	}
	if n != rows+1 || most > 32<<20 {
		t.Errorf("%d rows, with %d bytes of heap", n, most)
	}
}

// A blob can be read as often as one likes.
func TestTableOfABlob(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[{"a":1},{"a":2}]`, `{"fields":{"dimensions":[{"name":"a"}]},"data":[{"a":{"value":1}},{"a":{"value":2}}]}`,
		`{"data":[{"a":{"value":1}},{"a":{"value":2}}],"fields":{"dimensions":[{"name":"a"}]}}`,
	} {
		spool := &payload.Spool{Dir: t.TempDir()}
		e, err := payload.Decode(strings.NewReader(`{"attachment":{"mimetype":"application/json","data":`+strconv.Quote(text)+`}}`), spool.Share(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		blob, err := e.Data(nil).Spool(t.Context(), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			tab, err := blob.Table()
			if err != nil {
				t.Fatal(err)
			}
			if rows, err := texts(tab); err != nil || !cmp.Equal(rows, [][]string{{"1"}, {"2"}}) {
				t.Errorf("%s: %v, %v", text, rows, err)
			}
		}
	}
}

// FuzzLabelledRows: text that is not JSON as a whole never passes for a whole result, and one
// that does has as many rows, with the values, that the library finds in it.
func FuzzLabelledRows(f *testing.F) {
	f.Add(`[{"a":1,"b":"x"},{"b":null,"a":true}]`)
	f.Add(`[{"a":1},{"b":1}]`)
	f.Add(`[{"a":1,"a":[2]}]`)
	f.Add(`[{}]`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasPrefix(text, "[") {
			return // another format
		}
		tab, err := blobTable(t, []byte(text))
		if err != nil {
			return
		}
		var got []map[string]string
		for row, broken := range tab.Rows() {
			if err = broken; err != nil {
				return
			}
			cells := map[string]string{}
			for i, c := range tab.Columns {
				cells[c.Name] = string(row.Cell(i).Value())
			}
			got = append(got, cells)
		}
		var want []map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%q passed for a whole result: %v", text, err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d rows of %q, the library finds %d", len(got), text, len(want))
		}
		for i, row := range want {
			for label, v := range row {
				if got[i][label] != string(v) {
					t.Errorf("row %d of %q: %q is %s, not %s", i, text, label, got[i][label], v)
				}
			}
		}
	})
}
