package rows_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

// answers is the input of an integration.
type answers struct {
	Name string `form:"name,required"`
}

const twoRows = `{"fields":{"dimensions":[{"name":"a"}]},"data":[{"a":{"value":1}},{"a":{"value":2}}]}`

func TestOpen(t *testing.T) {
	t.Parallel()
	req := actiontest.JSONDetail(t, actiontest.Query(nil, map[string]string{"name": "n"}), twoRows)
	in, table, err := rows.Open[answers](t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if in.Name != "n" {
		t.Errorf("name %q, want n", in.Name)
	}
	if got := len(table.Columns); got != 1 {
		t.Errorf("%d columns, want 1", got)
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	invalid := func(t *testing.T) *action.Request {
		t.Helper()
		return actiontest.JSONDetail(t, actiontest.Query(nil, nil), "not JSON")
	}
	empty := func(*testing.T) *action.Request { return actiontest.Query(nil, nil) }
	for _, tt := range []struct {
		name string
		req  func(*testing.T) *action.Request
		open func(t *testing.T, req *action.Request) error
		want string
	}{
		{name: "the input is checked before the data", req: invalid, open: open, want: `"name" is required.`},
		{name: "attached data is checked first", req: empty, open: openAttached, want: "No attached json."},
		{name: "attached data does not replace the input", req: invalid, open: openAttached, want: `"name" is required.`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := action.MessageOf(tt.open(t, tt.req(t))); got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

func open(t *testing.T, req *action.Request) error {
	t.Helper()
	_, _, err := rows.Open[answers](t.Context(), req)
	return err
}

func openAttached(t *testing.T, req *action.Request) error {
	t.Helper()
	_, _, err := rows.OpenAttached[answers](t.Context(), req)
	return err
}

// A truncated source yields its error after the converted rows.
func TestConvert(t *testing.T) {
	t.Parallel()
	truncated := twoRows[:len(twoRows)-len(`{"value":2}}]}`)]
	table, err := actiontest.JSONDetail(t, actiontest.Query(nil, nil), truncated).Data.Table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var last error
	for item, err := range rows.Convert(table, func(row action.Row) (string, error) { return row.Cell(0).Text(), nil }) {
		if last = err; err == nil {
			got = append(got, item)
		}
	}
	if diff := cmp.Diff([]string{"1"}, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if last == nil {
		t.Error("the source's error was lost")
	}
}

// An error of the conversion takes the place of its row.
func TestConvertRejects(t *testing.T) {
	t.Parallel()
	table, err := actiontest.JSONDetail(t, actiontest.Query(nil, nil), twoRows).Data.Table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reject := errors.New("rejected")
	items := rows.Convert(table, func(row action.Row) (string, error) {
		if row.Cell(0).Text() == "1" {
			return "", deliver.Reject(reject)
		}
		return row.Cell(0).Text(), nil
	})
	var sent []string
	result := deliver.Batches(t.Context(), items, deliver.Options[string]{Size: 1}, func(_ context.Context, batch []string) error {
		sent = append(sent, batch...)
		return nil
	})
	if diff := cmp.Diff([]string{"2"}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if err := result.Err("rows"); !errors.Is(err, reject) {
		t.Errorf("error %v, want %v", err, reject)
	}
}
