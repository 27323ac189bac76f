package payload_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/payload"
)

// One value without a bound must not take the memory of every delivery in the process.
func TestTableBounds(t *testing.T) {
	actiontest.Serial(t)
	const limit = 4 << 20
	a := strings.Repeat("A", 1<<20)
	for _, tt := range []struct{ name, prefix, fill, suffix string }{
		{"a cell", `{"fields":{"dimensions":[{"name":"a"}]},"data":[{"a":{"value":"`, a, `"}}]}`},
		{"a cell's links", `{"fields":{"dimensions":[{"name":"a"}]},"data":[{"a":{"value":1,"links":[0`, strings.Repeat(`,{"u":"x"}`, 100_000), `]}}]}`},
		{"a row", `{"fields":{"dimensions":[{"name":"a"}]},"data":[{"a":0`, `,"a":{"value":"` + a + `"}`, `}]}`},
		{"a tag", `{"fields":{"dimensions":[{"name":"a","tags":["`, a, `"]}]},"data":[]}`},
		{"tags", `{"fields":{"dimensions":[{"name":"a","tags":["b"`, strings.Repeat(`,"c"`, 100_000), `]}]},"data":[]}`},
		{"columns", `{"fields":{"dimensions":[{}`, strings.Repeat(`,{}`, 100_000), `]},"data":[]}`},
		{"long columns", `{"fields":{"dimensions":[{"name":"b"}`, `,{"name":"` + a + `"}`, `]},"data":[]}`},
		{"a group's name", `{"fields":{"`, a, `":[]},"data":[]}`},
		{"pivots", `{"pivots":[{}`, strings.Repeat(`,{}`, 100_000), `],"fields":{},"data":[]}`},
		{"a pivot's labels", `{"pivots":[{"key":"k","labels":{"a":"b"`, strings.Repeat(`,"a":"b"`, 100_000), `}}],"fields":{},"data":[]}`},
		{"pivoted columns", `{"pivots":[{}` + strings.Repeat(`,{}`, 500) + `],"fields":{"measures":[{}` + strings.Repeat(`,{}`, 500), "", `]},"data":[]}`},
		{"a name of a member", `{"`, a, `":1}`},
		{"an error's text", `{"errors":[{"message":"`, a, `"}]}`},
		{"rows before their columns", `{"data":[{"a":{"value":"`, a, `"}}],"fields":{"dimensions":[{"name":"a"}]}}`},
		{"a label", `[{"`, a, `":1}]`},
		{"labels", `[{"a":1`, "", `}]`}, // filled below
		{"a value beside a label", `[{"a":"`, a, `"}]`},
		{"a value in a later row", `[{"a":1},{"a":"`, a, `"}]`},
		{"a text that is no result", `"`, a, `"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fill := func(int) io.Reader { return strings.NewReader(tt.fill) }
			if tt.name == "labels" {
				fill = func(n int) io.Reader { return strings.NewReader(distinctMembers(n)) }
			}
			parts := []io.Reader{strings.NewReader(tt.prefix)}
			for n := range 24 {
				parts = append(parts, fill(n))
			}
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.Copy(w, io.MultiReader(append(parts, strings.NewReader(tt.suffix))...))
			}))
			defer srv.Close()
			e := decode(t, `{"scheduled_plan":{"download_url":"`+srv.URL+`"}}`)
			e.MaxValueBytes = limit
			data := e.Data(&payload.Downloader{Client: srv.Client(), Timeout: time.Minute})
			before := totalAlloc()
			tab, err := data.Table(t.Context())
			if err == nil {
				for _, broken := range tab.Rows() {
					err = broken
				}
			}
			if tt.name != "a text that is no result" && action.KindOf(err) != action.TooLarge {
				t.Errorf("error %v", err)
			}
			if err == nil {
				t.Error("no error")
			}
			if got := (totalAlloc() - before) >> 20; got > 40 {
				t.Errorf("allocated %d MiB", got)
			}
		})
	}
}

func distinctMembers(n int) string {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, `,"%d":1`, n*20_000+i)
	}
	return b.String()
}

// What belongs to no column is skipped, whatever its size.
func TestTableSkips(t *testing.T) {
	actiontest.Serial(t)
	a := strings.Repeat("A", 1<<20)
	for _, tt := range []struct{ name, prefix, fill, suffix string }{
		{"a member", `{"x":"`, a, `","fields":{"dimensions":[{"name":"a"}]},"data":[{"a":{"value":"b"}}]}`},
		{"a member of the fields", `{"fields":{"x":"`, a, `","dimensions":[{"name":"a"}]},"data":[{"a":{"value":"b"}}]}`},
		{"a cell", `{"fields":{"dimensions":[{"name":"a"}]},"data":[{"x":{"value":"`, a, `"},"a":{"value":"b"}}]}`},
		{"cells", `{"fields":{"dimensions":[{"name":"a"}]},"data":[{`, strings.Repeat(`"x":{"value":1},`, 50_000), `"a":{"value":"b"}}]}`},
		{"a member behind the rows", `{"fields":{"dimensions":[{"name":"a"}]},"data":[{"a":{"value":"b"}}],"x":"`, a, `"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, tt.prefix)
				for range 24 {
					_, _ = io.WriteString(w, tt.fill)
				}
				_, _ = io.WriteString(w, tt.suffix)
			}))
			defer srv.Close()
			e := decode(t, `{"scheduled_plan":{"download_url":"`+srv.URL+`"}}`)
			e.MaxValueBytes = 4 << 20
			before := totalAlloc()
			tab, err := e.Data(&payload.Downloader{Client: srv.Client(), Timeout: time.Minute}).Table(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if rows, err := texts(tab); err != nil || !cmp.Equal(rows, [][]string{{"b"}}) {
				t.Errorf("%v, %v", rows, err)
			}
			if got := (totalAlloc() - before) >> 20; got > 20 {
				t.Errorf("allocated %d MiB", got)
			}
		})
	}
}

func totalAlloc() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
