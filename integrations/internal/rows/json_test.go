package rows_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

func TestJSONWriter(t *testing.T) {
	t.Parallel()
	w := rows.NewJSONWriter()
	w.Begin()
	w.Text("t", "a\"\xffb")
	w.Bool("b", true)
	w.Texts("s", "x", "y")
	w.Object("o")
	w.Value("n", jsontext.Value(` 12345678901234567890.50 `))
	w.Value("n", jsontext.Value(`{"a":1, "a":"\ud800"}`))
	w.End()
	w.Name("l")
	w.BeginList()
	w.Begin()
	w.End()
	w.EndList()
	w.End()
	got, err := w.Done()
	if want := `{"t":"a\"` + "\ufffd" + `b","b":true,"s":["x","y"],"o":{"n":12345678901234567890.50,"n":{"a":1,"a":"` + "\ufffd" + `"}},"l":[{}]}`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

// An error affects only one object.
func TestJSONWriterFails(t *testing.T) {
	t.Parallel()
	w := rows.NewJSONWriter()
	w.Begin()
	w.Value("v", jsontext.Value(`{`))
	w.Text("t", "x")
	w.End()
	if got, err := w.Done(); action.MessageOf(err) != "A row cannot be written as JSON." || got != nil {
		t.Errorf("%s, %v", got, err)
	}
	w.Begin()
	w.End()
	if got, err := w.Done(); err != nil || string(got) != "{}" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestJSONBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		rows [][]byte
		want string
	}{
		{name: "no rows", want: `{"rows":[]}`},
		{name: "one row", rows: [][]byte{[]byte(`{"a":1}`)}, want: `{"rows":[{"a":1}]}`},
		{name: "two rows", rows: [][]byte{[]byte(`{"a":1}`), []byte(`{"a":2}`)}, want: `{"rows":[{"a":1},{"a":2}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := rows.JSONBody(`{"rows":[`, tt.rows, "]}")
			got, err := io.ReadAll(body.Open())
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("body %s, want %s", got, tt.want)
			}
			if body.ContentType != "application/json" {
				t.Errorf("content type %s, want application/json", body.ContentType)
			}
		})
	}
}

// A full batch stays within the limit of a request.
func TestJSONBatches(t *testing.T) {
	t.Parallel()
	const maxBytes = 1000
	row := []byte(`{"a":"` + strings.Repeat("x", 91) + `"}`) // 9 of these have 908 bytes with their commas
	items := make([][]byte, 30)
	for i := range items {
		items[i] = row
	}
	for _, tt := range []struct {
		name    string
		maxRows int
		want    int // rows in the largest batch
	}{
		{name: "bytes", maxRows: 100, want: 9},
		{name: "rows", maxRows: 5, want: 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			largest, size := 0, int64(0)
			result := deliver.Batches(t.Context(), deliver.Items(items), rows.JSONBatches(tt.maxRows, maxBytes), func(_ context.Context, batch [][]byte) error {
				largest = max(largest, len(batch))
				size = max(size, rows.JSONBody(`{"rows":[`, batch, "]}").Size)
				return nil
			})
			if result.Sent() != len(items) {
				t.Errorf("%d rows sent, want %d", result.Sent(), len(items))
			}
			if largest != tt.want {
				t.Errorf("%d rows in the largest batch, want %d", largest, tt.want)
			}
			if size > maxBytes {
				t.Errorf("a request of %d bytes, want at most %d", size, maxBytes)
			}
		})
	}
}
