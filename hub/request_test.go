package hub_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
)

// What Looker says of the query reaches the integration, whatever the hub puts around the data.
func TestRequestOfAQuery(t *testing.T) {
	t.Parallel()
	var (
		plan  action.Plan
		ranAt time.Time
	)
	f := &fake{definition: action.Definition{Name: "rows", Types: []action.Type{action.TypeQuery}}}
	f.execute = func(ctx context.Context, req *action.Request) (*action.Response, error) {
		table, err := req.Data.Table(ctx)
		if err != nil {
			return nil, err
		}
		plan, ranAt = req.Plan, table.RanAt
		return &action.Response{}, nil
	}
	s := newServer(t, map[string]string{"ACTION_HUB_MAX_ROWS": "10"}, entry(f))
	status, answer := s.post("/actions/rows/execute", `{"type":"query","scheduled_plan":{"scheduled_plan_id":3,"title":"T","query_id":17,
		"query":{"model":"shop","view":"orders","vis_config":{"type":"looker_grid","hidden_fields":["orders.id"]}}},
		"attachment":{"mimetype":"application/json","data":{"ran_at":"2026-11-23T12:00:00Z","fields":{"dimensions":[{"name":"orders.id"}]},"data":[]}}}`)
	if status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	want := action.Plan{ID: "3", Title: "T", QueryID: "17", Model: "shop", View: "orders", HiddenFields: []string{"orders.id"}}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if !ranAt.Equal(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("ran at %v", ranAt)
	}
}
