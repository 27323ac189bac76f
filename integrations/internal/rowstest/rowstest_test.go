package rowstest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/rowstest"
)

// lines is a destination of one ID for each line. With keys, it deduplicates rows.
func lines(keys bool) *rowstest.Destination {
	return &rowstest.Destination{
		Rows: func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
			var rows []rowstest.Row
			for line := range strings.Lines(string(body)) {
				row := rowstest.Row{ID: strings.TrimSpace(line)}
				if keys {
					row.Key = row.ID
				}
				rows = append(rows, row)
			}
			return rows, nil
		},
		Refuses: func(id string) bool { return strings.HasSuffix(id, "7") },
		Answer: func(_ []rowstest.Row, rejected []int) rowstest.Answer {
			body, err := json.Marshal(rejected)
			if err != nil {
				panic(err)
			}
			return rowstest.Answer{Status: http.StatusOK, Body: string(body)}
		},
	}
}

func ids(n int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for i := range n {
			if !yield(fmt.Sprintf("row-%d", i), nil) {
				return
			}
		}
	}
}

// send is the send function of an integration.
func send(d *rowstest.Destination) func(context.Context, []string) error {
	client := d.Deps(nil).HTTP
	return func(ctx context.Context, batch []string) error {
		ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, action.Errorf(action.Timeout, "Too late."))
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://rows.example.com/", strings.NewReader(strings.Join(batch, "\n")))
		if err != nil {
			return err
		}
		var rejected []int
		if err := outbound.JSON(client, req, "Rows", &rejected); err != nil {
			return err
		}
		why := deliver.PartialError{}
		for _, i := range rejected {
			why[i] = action.Errorf(action.Invalid, "Sevens are not taken.")
		}
		return why
	}
}

const total = 20_000

func TestATruthfulDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := lines(true)
		o := deliver.Options[string]{Size: 50, Concurrency: 4, Retry: deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute}}
		a := deliver.Batches(t.Context(), ids(total), o, send(d))
		if got := d.Check(t, total, a.Err("rows")); got != (rowstest.Account{Delivered: total / 10 * 9, Failed: total / 10}) {
			t.Errorf("%+v", got)
		}
		if n := d.Unconfirmed(); n != 0 {
			t.Errorf("%d rows unconfirmed", n)
		}
		calls := d.Calls()
		for _, name := range []string{"fine", "limited", "unavailable", "unreachable", "cut before", "cut after", "late", "silent"} {
			if calls[name] == 0 {
				t.Errorf("nothing was %s: %v", name, calls)
			}
		}
	})
}

// recorder records the errors of Check.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// Check detects deliveries that lose or repeat rows, or report a wrong number.
func TestUntruthfulDeliveries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		keys  bool
		retry deliver.Retry
		lie   func(error) error
		want  []string
	}{
		"failures passed over": {
			true,
			deliver.Retry{},
			func(error) error { return nil },
			[]string{"the delivery claims"},
		},
		"sent again to one who takes it twice": {
			false,
			deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute},
			func(err error) error { return err },
			[]string{"had their effect twice"},
		},
		"rows that were not read": {
			true,
			deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute},
			func(error) error { return action.Errorf(action.Invalid, "10 of 20 rows delivered, 10 failed. No.") },
			[]string{"20 were read of 20000", "the delivery claims"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := lines(tt.keys)
				a := deliver.Batches(t.Context(), ids(total), deliver.Options[string]{Size: 50, Retry: tt.retry}, send(d))
				r := &recorder{TB: t}
				d.Check(r, total, tt.lie(a.Err("rows")))
				if len(r.errors) != len(tt.want) {
					t.Fatalf("said %q, want %q", r.errors, tt.want)
				}
				for i, want := range tt.want {
					if !strings.Contains(r.errors[i], want) {
						t.Errorf("said %q, want %q", r.errors[i], want)
					}
				}
			})
		})
	}
}

func TestQueryStreams(t *testing.T) {
	t.Parallel()
	req := rowstest.Query(t, actiontest.Query(nil, nil), `{"fields":{"dimensions":[{"name":"id"}]}`, 3, func(i int) string {
		return fmt.Sprintf(`{"id":{"value":%d}}`, i)
	})
	table, err := req.Data.Table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for row, err := range table.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row.Cell(0).Text())
	}
	if strings.Join(got, " ") != "0 1 2" {
		t.Errorf("rows %q", got)
	}
}

// The rows are the same in each way, also with characters that JSON escapes.
func TestWays(t *testing.T) {
	t.Parallel()
	var ways []string
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			ways = append(ways, t.Name())
			head := "{\n\t" + `"fields":{"dimensions":[{"name":"a"}]}`
			req := way.Query(t, &action.Request{}, head, 2, func(i int) string { return fmt.Sprintf(`{"a":{"value":"ü\"\\%d"}}`, i) })
			table, err := req.Data.Table(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for row, err := range table.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, row.Cell(0).Text())
			}
			if diff := cmp.Diff([]string{`ü"\0`, `ü"\1`}, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
	if len(ways) != 2 {
		t.Errorf("ways %v, want two", ways)
	}
}
