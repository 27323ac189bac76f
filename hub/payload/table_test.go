package payload_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

const fields = `"fields":{"measures":[{"name":"o.n","label":"Orders N","label_short":"N"}],"dimensions":[{"name":"o.day","tags":["day"]}],"table_calculations":null}`

func table(t *testing.T, text string) (*action.Table, error) {
	t.Helper()
	spool := &payload.Spool{Dir: t.TempDir()}
	var b bytes.Buffer
	b.WriteString(`{"attachment":{"mimetype":"application/json","data":`)
	b.WriteString(quote(text))
	b.WriteString(`}}`)
	e, err := payload.Decode(&b, spool.Share(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e.Data(nil).Table(t.Context())
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func TestTable(t *testing.T) {
	t.Parallel()
	row1 := `{"o.day":{"value":"2026-11-23","rendered":"Nov 23","html":"<b>x</b>","links":[{"label":"a"}]},"o.n":{"a":{"value":12345678901234567890},"b":{"value":null}},"other":1}`
	row2 := `{"o.n":{"value":1.50,"rendered":null}}`
	for name, text := range map[string]string{
		"fields first": `{` + fields + `,"pivots":[{"key":"a","labels":{"x":"A"}}],"data":[` + row1 + `,` + row2 + `],"ran_at":"x"}`,
		"fields last":  `{"data":[` + row1 + `,` + row2 + `],"pivots":[{"key":"a","labels":{"x":"A"}}],` + fields + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab, err := table(t, text)
			if err != nil {
				t.Fatal(err)
			}
			want := []action.Column{
				{Name: "o.day", Tags: []string{"day"}, Group: "dimensions"},
				{Name: "o.n", Label: "Orders N", LabelShort: "N", Group: "measures"},
			}
			if diff := cmp.Diff(want, tab.Columns); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
			if len(tab.Pivots) != 1 || tab.Pivots[0].Key != "a" {
				t.Errorf("pivots %+v", tab.Pivots)
			}
			var rows []action.Row
			for row, err := range tab.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				rows = append(rows, row)
			}
			if len(rows) != 2 {
				t.Fatalf("%d rows", len(rows))
			}
			got := []string{
				rows[0].Cell(0).Text(), rows[0].Cell(0).Rendered(), rows[0].Cell(1).Text(),
				rows[0].Cell(1).Pivot("a").Text(), rows[0].Cell(1).Pivot("b").Text(), string(rows[0].Cell(1).Pivot("b").Value()),
				rows[1].Cell(0).Text(), rows[1].Cell(1).Text(), rows[1].Cell(1).Rendered(),
			}
			if diff := cmp.Diff([]string{"2026-11-23", "Nov 23", "", "12345678901234567890", "", "null", "", "1.50", "1.50"}, got); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
			if !rows[1].Cell(0).Missing() || rows[0].Cell(0).Missing() {
				t.Error("missing cells are not told from present ones")
			}
		})
	}
}

// Rows need not look alike: whatever the order of their cells, each must get its own.
func TestRanAt(t *testing.T) {
	t.Parallel()
	at := time.Date(2017, 7, 28, 0, 25, 19, 0, time.UTC)
	for name, tt := range map[string]struct {
		text string
		want time.Time
	}{
		"before the rows":          {`{"ran_at":"2017-07-28T02:25:19+02:00",` + fields + `,"data":[]}`, at},
		"rows before the columns":  {`{"data":[],` + fields + `,"ran_at":"2017-07-28T00:25:19Z"}`, at},
		"after the rows":           {`{` + fields + `,"data":[],"ran_at":"2017-07-28T00:25:19Z"}`, time.Time{}},
		"null":                     {`{"ran_at":null,` + fields + `,"data":[]}`, time.Time{}},
		"no time that we can read": {`{"ran_at":"yesterday",` + fields + `,"data":[]}`, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab, err := table(t, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if other := tab.WithRows(tab.Rows()); !other.RanAt.Equal(tt.want) {
				t.Errorf("ran at %v, want %v", other.RanAt, tt.want)
			}
		})
	}
}

func TestRowsOfAnyShape(t *testing.T) {
	t.Parallel()
	tab, err := table(t, `{"fields":{"dimensions":[{"name":"a"},{"name":"b\"é"},{"name":"c"}]},"data":[
{"a":{"value":1},"b\"é":{"value":2},"c":{"value":3}},
{"c":{"value":3},"b\"\u00e9":{"value":2},"a":{"value":1}},
{"x":{"value":9},"a":{"value":1},"c":{"value":3}},
{},
{"a":{"value":7},"a":{"value":1}},
{"c":{"rendered":"r","val\u0075e":3}},
{"a":{"value":8,"value":1,"links":[{"value":5}]},"b\"é":{"value":"}{"},"c":{"value":[1,{"value":2}]},"d":{},"e":{},"f":1}
]}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for row, err := range tab.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row.Cell(0).Text()+"|"+row.Cell(1).Text()+"|"+row.Cell(2).Text())
	}
	if diff := cmp.Diff([]string{"1|2|3", "1|2|3", "1||3", "||", "1||", "||3", `1|}{|[1,{"value":2}]`}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// A row may be kept while the next ones are read.
func TestRowsAreKept(t *testing.T) {
	t.Parallel()
	tab, err := table(t, `{"fields":{"dimensions":[{"name":"a"}]},"data":[{"a":{"value":"first"}},{"a":{"value":"second, and longer"}},{"a":{"value":"3rd"}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	var rows []action.Row
	for row, err := range tab.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	got := []string{rows[0].Cell(0).Text(), rows[1].Cell(0).Text(), rows[2].Cell(0).Text()}
	if diff := cmp.Diff([]string{"first", "second, and longer", "3rd"}, got); diff != "" {
		t.Errorf("kept rows (-want +got):\n%s", diff)
	}
}

// A result that is not whole must never look like a smaller one.
func TestTableRefuses(t *testing.T) {
	t.Parallel()
	row := `{"o.day":{"value":"x"}}`
	for name, text := range map[string]string{
		"empty":                    ``,
		"a page":                   `<html>sorry</html>`,
		"no rows":                  `{` + fields + `}`,
		"no fields":                `{"data":[` + row + `]}`,
		"rows that are null":       `{` + fields + `,"data":null}`,
		"cut in a row":             `{` + fields + `,"data":[` + row + `,{"o.day":{"val`,
		"cut between rows":         `{` + fields + `,"data":[` + row,
		"cut after the rows":       `{` + fields + `,"data":[` + row + `]`,
		"cut with fields last":     `{"data":[` + row + `],"fields":{`,
		"a row that is no object":  `{` + fields + `,"data":[` + row + `,5]}`,
		"more after the end":       `{` + fields + `,"data":[` + row + `]}{}`,
		"errors of the query":      `{"errors":[{"message":"syntax"}],` + fields + `,"data":[]}`,
		"errors after the rows":    `{` + fields + `,"data":[` + row + `],"errors":[{"message":"timeout"}]}`,
		"errors of another format": `{` + fields + `,"data":[],"errors":"oh no"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab, err := table(t, text)
			if err == nil {
				for _, err = range tab.Rows() {
					if err != nil {
						break
					}
				}
			}
			if action.KindOf(err) != action.Invalid {
				t.Errorf("error %v (%v), want an invalid one", err, action.KindOf(err))
			}
		})
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("data")) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/forbidden", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "page", http.StatusForbidden) })
	mux.HandleFunc("/stalls", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("da"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("da"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	for _, tt := range []struct {
		path, want, message string
		kind                action.Kind
	}{
		{path: "/ok", want: "data"},
		{path: "/moved", want: "data"},
		{path: "/forbidden", message: "There was an error with Action Hub calling back to Looker, status code: 403.", kind: action.Unavailable},
		{path: "/stalls", want: "da", message: "The download from Looker stalled before the data was complete.", kind: action.Timeout},
		{path: "/cut", want: "da", message: "The download from Looker ended before the data was complete.", kind: action.Unavailable},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			e := &payload.Envelope{Plan: payload.ScheduledPlan{DownloadURL: srv.URL + tt.path}}
			data := e.Data(&payload.Downloader{Client: srv.Client(), Timeout: 300 * time.Millisecond})
			var got bytes.Buffer
			r, err := data.Open(t.Context())
			if err == nil {
				_, err = got.ReadFrom(r)
				_ = r.Close()
			}
			if got.String() != tt.want {
				t.Errorf("read %q, want %q", got.String(), tt.want)
			}
			switch {
			case tt.message == "" && err != nil:
				t.Errorf("error %v", err)
			case tt.message != "" && action.MessageOf(err) != tt.message:
				t.Errorf("error %v, want %q", err, tt.message)
			case tt.message != "" && action.KindOf(err) != tt.kind:
				t.Errorf("error %v of kind %v, want %v", err, action.KindOf(err), tt.kind)
			}
			if _, err := data.Open(t.Context()); err == nil {
				t.Error("an address that answers once was asked twice")
			}
		})
	}
}

func BenchmarkRows(b *testing.B) { benchmarkRows(b, func(action.Row) {}) }

// BenchmarkValues is what integrations do with rows.
func BenchmarkValues(b *testing.B) {
	benchmarkRows(b, func(r action.Row) {
		if len(r.Cell(0).Value()) == 0 || len(r.Cell(1).Value()) == 0 {
			b.Fatal("a cell without a value")
		}
	})
}

func benchmarkRows(b *testing.B, use func(action.Row)) {
	b.Helper()
	const rows = 200_000
	text := `{` + fields + `,"data":[` + strings.TrimSuffix(strings.Repeat(`{"o.day":{"value":"2026-11-23","rendered":"November 23"},"o.n":{"value":17,"rendered":"17"}},`, rows), ",") + `]}`
	spool := &payload.Spool{Dir: b.TempDir()}
	e, err := payload.Decode(strings.NewReader(`{"attachment":{"mimetype":"application/json","data":`+quote(text)+`}}`), spool.Share(b.Context()))
	if err != nil {
		b.Fatal(err)
	}
	perCore(b, len(text))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		tab, err := e.Data(nil).Table(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for row, err := range tab.Rows() {
			if err != nil {
				b.Fatal(err)
			}
			use(row)
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N)/rows, "allocs/row")
}

func BenchmarkBase64(b *testing.B) {
	body := bytes.Repeat([]byte("some bytes of a file"), 1_000_000)
	spool := &payload.Spool{Dir: b.TempDir()}
	e, err := payload.Decode(strings.NewReader(`{"attachment":{"mimetype":"application/pdf;base64","data":"`+base64.StdEncoding.EncodeToString(body)+`"}}`), spool.Share(b.Context()))
	if err != nil {
		b.Fatal(err)
	}
	perCore(b, len(body))
	for b.Loop() {
		r, err := e.Data(nil).Open(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, struct{ io.Reader }{r}); err != nil || n != int64(len(body)) {
			b.Fatalf("%d bytes: %v", n, err)
		}
	}
}

// TestNamesThatAreNoUTF8: databases hold what they hold, and no delivery fails for it.
func TestNamesThatAreNoUTF8(t *testing.T) {
	t.Parallel()
	tab, err := table(t, "{"+fields+",\"data\":[{\"x\xff\":{\"value\":1},\"o.n\":{\"y\\\\\xfe\":0,\"value\":2}}]}")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for row, err := range tab.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if got := string(row.Cell(1).Value()); got != "2" {
			t.Errorf("value %q, want 2", got)
		}
	}
	if n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

// FuzzTable: text that is not JSON as a whole never passes for a whole result, and one that does has the
// rows, with the cells and values, that the library finds in it.
func FuzzTable(f *testing.F) {
	f.Add([]byte(`{` + fields + `,"data":[{"o.n":{"value":1}},{"o.day":{"value":"x"}}]}`))
	f.Add([]byte(`{"data":[{"o.n":{"a":{"value":1}}}],"pivots":[{"key":"a"}],` + fields + `}`))
	f.Add([]byte(`{"errors":[{"message":"x"}]}`))
	f.Add([]byte(`<html>`))
	for _, cell := range []string{
		`-1.50e+3`, `01`, `1.`, `-`, `2E`, `0`, `true`, `fals`, `null`, `[1 , [], {"value":2}]`, `[1`, `[,]`, `{}`, `{"value"}`, `{ "a" : 1 , "value" : [ ] }`,
		`{"value":1,"value":"2"}`, `{"val\u0075e":3,"value":4}`, `{"value":4,"val\u0075e":3}`, `"\"\\\/\b\f\n\r\t\u00eF\ud800"`, `"\x"`, `"\u12g4"`, `"\u1"`, "\"\xff\xe9\"",
		"\"\x1f\"", "\"\x7f\"", "{\"\xff\":0}", `"0123456\\"`, `"01234567"`, strings.Repeat("[", 70) + strings.Repeat("]", 70), strings.Repeat(`{"value":`, 70) + "0" + strings.Repeat("}", 70),
	} {
		f.Add([]byte(`{` + fields + `,"data":[{"o.day":1,"o.n":` + cell + `},{"other":` + cell + `,"o.n":2} , {"o\u002en":` + cell + `,"o.day":5,"o.day":6}],"x":7}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tab, err := blobTable(t, text)
		if err != nil {
			return
		}
		var got []action.Row
		for row, err := range tab.Rows() {
			if err != nil {
				return
			}
			got = append(got, row)
		}
		if !json.Valid(text) {
			t.Fatalf("%q passed for a whole result", text)
		}
		want := libraryRows(t, text)
		if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("[")) {
			return // see FuzzLabelledRows
		}
		if len(got) != len(want) {
			t.Fatalf("%d rows of %q, the library finds %d", len(got), text, len(want))
		}
		index := map[string]int{}
		for i, c := range tab.Columns {
			index[c.Name] = i // the last of several columns with the same name has the cells
		}
		for n, row := range got {
			for i, c := range tab.Columns {
				var cell jsontext.Value
				if index[c.Name] == i {
					cell = want[n][c.Name]
				}
				if value := members(cell)["value"]; string(row.Cell(i).Raw()) != string(cell) || string(row.Cell(i).Value()) != string(value) {
					t.Fatalf("cell %q of row %d of %q is %s with value %s, want %s with value %s", c.Name, n, text, row.Cell(i).Raw(), row.Cell(i).Value(), cell, value)
				}
			}
		}
	})
}

// blobTable decodes bytes that need not be the text of an envelope.
func blobTable(t *testing.T, text []byte) (*action.Table, error) {
	t.Helper()
	spool := &payload.Spool{} // creating a directory would take most of the time of a short test
	w := spool.Share(t.Context()).Create()
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	blob, err := w.Done()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blob.Close() })
	return blob.Table()
}

// libraryRows are the cells in the rows of json_detail by the names of their columns, as the library
// decodes them.
func libraryRows(t *testing.T, text []byte) (rows []map[string]jsontext.Value) {
	t.Helper()
	d := jsontext.NewDecoder(bytes.NewReader(members(text)["data"]), lenient...)
	if _, err := d.ReadToken(); err != nil {
		return nil
	}
	for d.PeekKind() == '{' {
		row, err := d.ReadValue()
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, members(row))
	}
	return rows
}

var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// members are the members of an object, as the library decodes them; none if it is no object. The last of
// several with the same name counts.
func members(object []byte) map[string]jsontext.Value {
	d := jsontext.NewDecoder(bytes.NewReader(object), lenient...)
	found := map[string]jsontext.Value{}
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != '{' {
		return found
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			break
		}
		key := name.String()
		v, err := d.ReadValue()
		if err != nil {
			break
		}
		found[key] = v.Clone()
	}
	return found
}
