package googleanalyticsdataimport_test

import (
	"fmt"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

// Every name of Google's lists is rejected in a column, and the rows beside them are sent.
func TestReservedEvents(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
	var result strings.Builder
	result.WriteString("a,b,c\n")
	for i, name := range ignoredEvents {
		fmt.Fprintf(&result, "1,%s,%d\n1,buy,%d\n", name, i, i)
	}
	_, err := newIntegration(t, d).Execute(t.Context(), csv(t, request(nil), result.String()))
	want := "34 of 68 rows delivered, 34 failed. "
	if m := action.MessageOf(err); !strings.HasPrefix(m, want) {
		t.Errorf("message %q, want prefix %q", m, want)
	}
	var names []string
	for _, s := range collected(t, d) {
		for _, e := range s.Events {
			names = append(names, e.Name)
		}
	}
	if got, want := strings.Join(names, ","), strings.Repeat("buy,", 33)+"buy"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
}

// Google ignores calls of 130 kB and more. Values within their limits can make one of 25 events.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
	const rows = 60
	schema, row := "client_id", "1"
	for i := range 25 {
		schema += fmt.Sprintf(",parameter_%d", i)
		row += "," + strings.Repeat("😀", 100)
	}
	req := request(map[string]string{"dataSourceSchema": schema, "eventName": "buy"})
	res, err := newIntegration(t, d).Execute(t.Context(), csv(t, req, strings.Repeat("h,", 25)+"h\n"+strings.Repeat(row+"\n", rows)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, fmt.Sprint(rows)+done; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	events := 0
	for _, s := range collected(t, d) {
		events += len(s.Events)
	}
	if events != rows {
		t.Errorf("%d events, want %d", events, rows)
	}
	for _, r := range d.Requests() {
		if len(r.Body) >= 130_000 {
			t.Errorf("a call of %d bytes to %s", len(r.Body), r.Path)
		}
	}
}
