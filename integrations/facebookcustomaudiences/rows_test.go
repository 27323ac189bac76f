package facebookcustomaudiences_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	fb "integrationhub.dev/integrations/facebookcustomaudiences"
	"integrationhub.dev/integrations/internal/rowstest"
)

// badDay has every fault, again and again. Responses to the first and the last batch are lost, too.
var badDay = []fault{
	after, fine, silent, limited, fine, broken, fine, before, limited, fine, cut, fine, unknown, before, fine, after, fine, limited, fine, silent, fine, cut, silent,
}

// The message reports exactly what arrived, with every fault.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	const rows = 100_000
	result := bytes.NewBufferString(`{"fields":{"dimensions":[{"name":"u.external_id"},{"name":"u.email"}]},"data":[`)
	for i := range rows {
		if i > 0 {
			result.WriteByte(',')
		}
		if i%4000 == 1 { // no person
			result.WriteString(`{"u.external_id":{"value":null}}`)
			continue
		}
		fmt.Fprintf(result, `{"u.external_id":{"value":%d},"u.email":{"value":"u%d@example.com"}}`, i, i)
	}
	result.WriteString(`]}`)
	const unidentified, rejected = rows / 4000, rows/1000 - 1 // 0 does not end in 000
	const delivered = rows - unidentified - rejected
	for name, tt := range map[string]struct {
		operation string
		// before is the number of the people in the result who are members before, and after that of all
		// members after.
		before, after int
	}{
		"update":  {operation: "update_audience", after: delivered + 1},
		"remove":  {operation: "remove_audience", before: rows, after: rows - delivered + 1},
		"replace": {operation: "replace_audience", before: 7, after: delivered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &meta{
					faults: badDay, repeat: true, rejects: func(id string) bool { return strings.HasSuffix(id, "000") },
					members: map[string]bool{"old": true},
				}
				for i := range tt.before {
					m.members[fmt.Sprint(i)] = true
				}
				deps := actiontest.Deps(t, nil, env)
				deps.HTTP = &http.Client{Transport: m}
				req := actiontest.JSONDetail(t, request(map[string]string{"choose_create_update_replace": tt.operation}), result.String())
				_, err := actiontest.New(t, fb.New, deps).Execute(t.Context(), req)
				want := fmt.Sprintf("%d of %d rows delivered, %d rejected. A row has no value that identifies a person. Facebook could not read all rows.",
					delivered, rows, unidentified+rejected)
				if action.MessageOf(err) != want {
					t.Errorf("message %q\nwant    %q", action.MessageOf(err), want)
				}
				if len(m.members) != tt.after {
					t.Errorf("%d members, want %d", len(m.members), tt.after)
				}
				if n := m.restarts(); n != 0 {
					t.Errorf("%d calls begin a session again", n)
				}
			})
		})
	}
}

// discarding stores nothing, and measures the heap.
type discarding struct {
	rows int
	heap uint64
}

func (d *discarding) RoundTrip(req *http.Request) (*http.Response, error) {
	// The rows of the next batch are converted meanwhile, and their garbage counts in a single measurement.
	d.heap = max(d.heap, actiontest.LiveHeap())
	rows := -2 // the schema, and the list of rows
	body := bufio.NewReader(req.Body)
	for {
		c, err := body.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if escaped, _ := body.Peek(2); c == '[' || c == '%' && string(escaped) == "5B" {
			rows++
		}
	}
	d.rows += rows
	if strings.HasSuffix(req.URL.Path, "/usersreplace") {
		rows = d.rows
	}
	return answer(200, fmt.Sprintf(`{"num_received":%d}`, rows)), nil
}

// The memory does not depend on the number of rows, and little on their width. Not parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			actiontest.Serial(t)
			const most = 32 << 20
			for name, tt := range map[string]struct {
				operation, fields, keys string
				rows                    int
				row                     func(i int) string
			}{
				"update": {
					operation: "update_audience", rows: 1_000_000, fields: `{"name":"u.external_id"},{"name":"u.email"}`, keys: "EXTERN_ID, EMAIL",
					row: func(i int) string {
						return fmt.Sprintf(`{"u.external_id":{"value":%d},"u.email":{"value":"u%d@example.com"}}`, i, i)
					},
				},
				"replace": {
					operation: "replace_audience", rows: 1_000_000, fields: `{"name":"u.external_id"}`, keys: "EXTERN_ID",
					row: func(i int) string { return fmt.Sprintf(`{"u.external_id":{"value":%d}}`, i) },
				},
				"removal": {
					operation: "remove_audience", rows: 200_000, fields: `{"name":"u.external_id"},{"name":"u.email"}`, keys: "EXTERN_ID, EMAIL",
					row: func(i int) string {
						return fmt.Sprintf(`{"u.external_id":{"value":%d},"u.email":{"value":"u%d@example.com"}}`, i, i)
					},
				},
				"wide rows": {
					operation: "remove_audience", rows: 50_000, keys: "EMAIL, PHONE, LN, FN, CT, ST, ZIP, COUNTRY",
					fields: `{"name":"u.email"},{"name":"u.phone"},{"name":"u.last_name"},{"name":"u.first_name"},{"name":"u.city"},{"name":"u.state"},` +
						`{"name":"u.zip"},{"name":"u.country"}`,
					row: func(i int) string {
						return fmt.Sprintf(`{"u.email":{"value":"u%d@example.com"},"u.phone":{"value":"+1650555%04d"},"u.last_name":{"value":"Lee"},`+
							`"u.first_name":{"value":"Ann"},"u.city":{"value":"New York"},"u.state":{"value":"NY"},"u.zip":{"value":"10001"},`+
							`"u.country":{"value":"US"}}`, i, i%10_000)
					},
				},
			} {
				t.Run(name, func(t *testing.T) { //nolint:paralleltest // measures the heap
					d := &discarding{}
					deps := actiontest.Deps(t, nil, env)
					deps.HTTP = &http.Client{Transport: d}
					req := way.Query(t, request(map[string]string{"choose_create_update_replace": tt.operation}),
						`{"fields":{"dimensions":[`+tt.fields+`]}`, tt.rows, tt.row)
					res, err := actiontest.New(t, fb.New, deps).Execute(t.Context(), req)
					if err != nil {
						t.Fatal(err)
					}
					verb := "sent to"
					if tt.operation == "remove_audience" {
						verb = "removed from"
					}
					if got, want := res.Message, fmt.Sprintf("%d rows %s the audience, by %s.", tt.rows, verb, tt.keys); got != want {
						t.Errorf("message %q, want %q", got, want)
					}
					if got := d.rows; got != tt.rows {
						t.Errorf("%d rows arrived, want %d", got, tt.rows)
					}
					if d.heap > most {
						t.Errorf("%d MiB of heap", d.heap>>20)
					}
					t.Logf("%d rows, heap at most %.1f MiB", tt.rows, float64(d.heap)/(1<<20))
				})
			}
		})
	}
}
