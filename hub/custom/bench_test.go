package custom_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/custom"
	"integrationhub.dev/integrations/webhook"
)

// source serves a result of many rows as a download.
func source(t testing.TB, rows int) *action.Request {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"fields":{"dimensions":[{"name":"c.id","label_short":"ID","tags":["customer_id"]},{"name":"c.email","label_short":"Email"},{"name":"c.n","label_short":"N"}]},"data":[`)
	for n := range rows {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"c.id":{"value":%d},"c.email":{"value":"user%d@example.com"},"c.n":{"value":%d.25}}`, n, n, n)
	}
	b.WriteString("]}")
	return actiontest.JSONDetail(t, actiontest.Query(nil, settings{"segment": "gold"}), b.String())
}

var sink = answers(func(req *http.Request) (int, http.Header, io.Reader) {
	if req.URL.Path == "/oauth2/token" {
		return 200, nil, strings.NewReader(`{"access_token":"t0ken-of-the-sink","expires_in":3600}`)
	}
	return 200, nil, strings.NewReader("{}")
})

const benchRows = 10_000

// The cost of rows: a template that copies cells, one that evaluates an expression for each cell, and, for
// comparison, the decoding alone and Go's own encoding of the same rows. A file is sent as it is, here and by the
// webhook integration.
func BenchmarkRows(b *testing.B) {
	const batch = "request:\n  per: batch\n  url: https://example.com/\n  batch:\n    maxRows: 500\n    item: %s\n  body: {json: {rows: '${items}'}}"
	for name, item := range map[string]string{
		"copied":    `{id: "${row.tag.customer_id}", email: "${row.label.Email}", n: "${row.label.N}"}`,
		"evaluated": `{id: "${string(row.tag.customer_id)}", email: "${row.label.Email.lowerAscii()}", n: "${row.label.N * 2.0}"}`,
		"whole":     `"${row.name}"`,
	} {
		b.Run(name, func(b *testing.B) {
			i := compileWith(b, resource(fmt.Sprintf(batch, item)), custom.Options{HTTP: &http.Client{Transport: sink}})
			benchmarkRows(b, func(req *action.Request) error {
				_, err := i.Execute(b.Context(), req)
				return err
			})
		})
	}
	b.Run("decoding alone", func(b *testing.B) {
		benchmarkRows(b, func(req *action.Request) error { return eachRow(b, req, func(action.Row) error { return nil }) })
	})
	b.Run("in Go", func(b *testing.B) {
		benchmarkRows(b, func(req *action.Request) error {
			return eachRow(b, req, func(row action.Row) error {
				_, err := json.Marshal(struct {
					ID    json.RawMessage `json:"id"`
					Email string          `json:"email"`
					N     json.RawMessage `json:"n"`
				}{json.RawMessage(row.Cell(0).Value()), row.Cell(1).Text(), json.RawMessage(row.Cell(2).Value())})
				return err
			})
		})
	})
	b.Run("file", func(b *testing.B) {
		i := compileWith(b, resource("request: {url: 'https://example.com/', body: {file: {}}}"), custom.Options{HTTP: &http.Client{Transport: sink}})
		benchmarkRows(b, func(req *action.Request) error {
			_, err := i.Execute(b.Context(), req)
			return err
		})
	})
	b.Run("webhook integration", func(b *testing.B) {
		i, err := webhook.New(action.Deps{HTTP: &http.Client{Transport: sink}})
		if err != nil {
			b.Fatal(err)
		}
		benchmarkRows(b, func(req *action.Request) error {
			req.Form["url"] = "https://example.com/"
			_, err := i.Execute(b.Context(), req)
			return err
		})
	})
}

func benchmarkRows(b *testing.B, deliver func(*action.Request) error) {
	b.Helper()
	b.ReportAllocs()
	req := source(b, benchRows)
	b.ResetTimer()
	for b.Loop() {
		if err := deliver(req); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func eachRow(b *testing.B, req *action.Request, f func(action.Row) error) error {
	b.Helper()
	table, err := req.Data.Table(b.Context())
	if err != nil {
		return err
	}
	for row, err := range table.Rows() {
		if err == nil {
			err = f(row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
