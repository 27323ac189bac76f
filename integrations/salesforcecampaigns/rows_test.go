package salesforcecampaigns_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowstest"
	"integrationhub.dev/integrations/salesforcecampaigns"
)

const (
	head  = `{"fields":{"dimensions":[{"name":"c.id","tags":["sfdc_contact_id"]},{"name":"c.city"}]}`
	total = 100_000
)

func row(i int) string {
	return fmt.Sprintf(`{"c.id":{"value":%q},"c.city":{"value":"Zürich"}}`, contact(i))
}

// campaignOf reports a repeated member as a duplicate, and rejects contacts whose number ends with 77.
func campaignOf() *rowstest.Destination {
	members := map[string]bool{}
	return &rowstest.Destination{
		Rows: func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
			all := records(body)
			if len(all) > 200 {
				return nil, errors.New("more than two hundred records")
			}
			rows := make([]rowstest.Row, len(all))
			for i, m := range all {
				rows[i] = rowstest.Row{ID: m.ContactID, Key: m.ContactID}
			}
			return rows, nil
		},
		Refuses: func(id string) bool { return strings.HasSuffix(id, "77") },
		Answer: func(rows []rowstest.Row, rejected []int) rowstest.Answer {
			results := make([]string, len(rows))
			for i, r := range rows {
				switch {
				case slices.Contains(rejected, i):
					results[i] = `{"success":false,"errors":[{"statusCode":"INVALID_CROSS_REFERENCE_KEY","message":"invalid cross reference id"}]}`
				case members[r.ID]:
					results[i] = `{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"Already a campaign member."}]}`
				default:
					members[r.ID] = true
					results[i] = `{"id":"00v","success":true,"errors":[]}`
				}
			}
			return rowstest.Answer{Status: http.StatusOK, Body: "[" + strings.Join(results, ",") + "]"}
		},
		Limited: rowstest.Answer{Status: 403, Body: `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded."}]`},
	}
}

// Each of 100,000 members is counted correctly under injected faults.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	for name, surface := range map[string]string{"rejections are errors": "yes", "rejections are none": "no"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := campaignOf()
				form := appending()
				form["surface_sfdc_errors"] = surface
				req := rowstest.Query(t, request(form), head, total, row)
				res, err := actiontest.New(t, salesforcecampaigns.New, d.Deps(env)).Execute(t.Context(), req)
				if (err == nil) != (surface == "no") {
					t.Errorf("%+v, %v", res, err)
				}
				if err == nil { // the message has the count anyway
					err = action.Errorf(action.Invalid, "%s", res.Message)
				}
				if got := d.Check(t, total, err); got.Failed != total/100 {
					t.Errorf("%+v, want the %d rejected contacts to fail, and no other", got, total/100)
				}
				if n := d.Unconfirmed(); n != 0 {
					t.Errorf("%d rows arrived, but are not confirmed", n)
				}
			})
		})
	}
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			const rows, most = 1_000_000, 32 << 20
			results := strings.TrimSuffix(strings.Repeat(`{"id":"00v","success":true,"errors":[]},`, 200), ",")
			sink := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: "[" + results + "]"}}
			deps := action.Deps{Env: env, HTTP: &http.Client{Transport: sink}}
			req := way.Query(t, request(appending()), head, rows, row)
			res, err := actiontest.New(t, salesforcecampaigns.New, deps).Execute(t.Context(), req)
			if err != nil || res.Message != "1000000 members added." {
				t.Fatalf("%+v, %v", res, err)
			}
			if heap := sink.Heap(t); heap > most {
				t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
			}
			t.Logf("%d rows, heap at most %.1f MiB", rows, float64(sink.Heap(t))/(1<<20))
		})
	}
}
