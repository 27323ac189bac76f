package marketo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowstest"
	"integrationhub.dev/integrations/marketo"
)

const total = 100_000

// person returns a row whose lead gets the ID i+1.
func person(i int) string {
	return fmt.Sprintf(`{"u.email":{"value":"p%d@example.com"},"u.city":{"value":"Zürich"},"u.score":{"value":%d.5}}`, i+1, i%7)
}

// head is the beginning of a result.
var head = strings.TrimSuffix(columns, ",")

// numberOf returns the ID of a lead with an email address.
func numberOf(email string) string {
	return strings.TrimSuffix(strings.TrimPrefix(email, "p"), "@example.com")
}

var tooOften = rowstest.Answer{Status: http.StatusOK, Body: `{"success":false,"errors":[{"code":"606","message":"Max rate limit '100' exceeded with in '20' secs"}]}`}

// synced returns Marketo's response to leads of which it skips some.
func synced(rows []rowstest.Row, rejected []int) rowstest.Answer {
	results := make([]string, len(rows))
	for i, r := range rows {
		results[i] = `{"id":` + r.ID + `,"status":"updated"}`
		if slices.Contains(rejected, i) {
			results[i] = `{"status":"skipped","reasons":[{"code":"1007","message":"Multiple lead match lookup criteria"}]}`
		}
	}
	return rowstest.Answer{Status: http.StatusOK, Body: `{"success":true,"result":[` + strings.Join(results, ",") + `]}`}
}

// leadRows returns the rows of a call that updates leads. Marketo deduplicates them.
func leadRows(_ *http.Request, body []byte) ([]rowstest.Row, error) {
	all := emails(body)
	if len(all) > 300 || len(body) > 1_000_000 {
		return nil, errors.New("a call that is too large")
	}
	rows := make([]rowstest.Row, len(all))
	for i, e := range all {
		rows[i] = rowstest.Row{ID: numberOf(e), Key: e}
	}
	return rows, nil
}

// triggerRows returns the rows of a call that triggers a campaign, which runs each time.
func triggerRows(_ *http.Request, body []byte) ([]rowstest.Row, error) {
	all := ids(actiontest.Recorded{Method: http.MethodPost, Body: body})
	if len(all) > 100 {
		return nil, errors.New("more than a hundred leads")
	}
	rows := make([]rowstest.Row, len(all))
	for i, id := range all {
		rows[i] = rowstest.Row{ID: id}
	}
	return rows, nil
}

// routed grants sign-ins, and sends other calls to a handler by the beginning of their path.
type routed map[string]http.RoundTripper

// RoundTrip implements [http.RoundTripper].
func (r routed) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	for path, next := range r {
		if strings.HasPrefix(req.URL.Path, rest+path) {
			return next.RoundTrip(req)
		}
	}
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: `{"access_token":"t0ken"}`}}).RoundTrip(req)
}

// deliverTo delivers n people.
func deliverTo(t *testing.T, instance routed, form map[string]string, n int) (*action.Response, error) {
	t.Helper()
	i := actiontest.New(t, marketo.New, action.Deps{HTTP: &http.Client{Transport: instance}})
	return i.Execute(t.Context(), rowstest.Query(t, actiontest.Query(params(), form), head, n, person))
}

// Each of 100,000 leads is counted correctly under injected faults.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &rowstest.Destination{
			Rows: leadRows, Refuses: func(id string) bool { return strings.HasSuffix(id, "77") }, Answer: synced, Limited: tooOften,
		}
		_, err := deliverTo(t, routed{"leads.json": d}, answers("none", ""), total)
		if got := d.Check(t, total, err); got.Failed != total/100 {
			t.Errorf("%+v, want the %d skipped leads to fail, and no other", got, total/100)
		}
		if n := d.Unconfirmed(); n != 0 {
			t.Errorf("%d rows arrived, but are not confirmed", n)
		}
	})
}

// Under injected faults, a campaign is triggered at most once for each lead. Leads in doubt count as failed.
func TestInjectedFaultsInCampaigns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leads := &rowstest.Destination{Rows: leadRows, Answer: synced, NoFaults: true}
		campaign := &rowstest.Destination{
			Rows: triggerRows, Limited: tooOften,
			Answer: func([]rowstest.Row, []int) rowstest.Answer {
				return rowstest.Answer{Status: http.StatusOK, Body: `{"success":true,"result":[{"id":5}]}`}
			},
		}
		_, err := deliverTo(t, routed{"leads.json": leads, "campaigns/5/": campaign}, answers("addCampaign", "5"), total)
		got := campaign.Check(t, total, err)
		if n := campaign.Unconfirmed(); n == 0 || n > got.Failed {
			t.Errorf("%+v, %d leads triggered, but unconfirmed", got, n)
		}
		if leads.Check(t, total, nil); leads.Unconfirmed() != 0 {
			t.Errorf("%d leads unconfirmed", leads.Unconfirmed())
		}
		if !strings.Contains(action.MessageOf(err), "It may already have been triggered.") {
			t.Errorf("message %q", action.MessageOf(err))
		}
	})
}

// The memory does not depend on the number of rows, except for the IDs of triggered leads. Not parallel: it
// measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	const rows, most = 1_000_000, 96 << 20
	triggers := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: `{"success":true,"result":[{"id":5}]}`}}
	synctest.Test(t, func(t *testing.T) { // waits for the rate limit take no time
		res, err := deliverTo(t, routed{"leads.json": echo{}, "campaigns/5/": triggers}, answers("addCampaign", "5"), rows)
		if err != nil || res.Message != "1000000 leads updated." {
			t.Errorf("%+v, %v", res, err)
		}
	})
	if heap := triggers.Heap(); heap > most {
		t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
	}
	t.Logf("%d rows, heap at most %.1f MiB", rows, float64(triggers.Heap())/(1<<20))
}

// echo accepts all leads and stores none.
type echo struct{}

// RoundTrip implements [http.RoundTripper].
func (echo) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	type result struct {
		ID int `json:"id"`
	}
	var results []result
	for _, e := range emails(body) {
		n, err := strconv.Atoi(numberOf(e))
		if err != nil {
			return nil, err
		}
		results = append(results, result{n})
	}
	text, err := json.Marshal(map[string]any{"success": true, "result": results})
	if err != nil {
		return nil, err
	}
	req.Body = http.NoBody
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: string(text)}}).RoundTrip(req)
}
