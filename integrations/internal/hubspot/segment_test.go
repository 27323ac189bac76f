package hubspot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/hubspot"
	"integrationhub.dev/integrations/internal/rowstest"
)

func toSegment(more map[string]string) map[string]string {
	form := map[string]string{"list_id": "7"}
	maps.Copy(form, more)
	return form
}

func mirrored(more map[string]string) map[string]string {
	form := toSegment(map[string]string{"mirror": "yes"})
	maps.Copy(form, more)
	return form
}

func (a *account) execute(t *testing.T, form map[string]string, columns []string, rows ...string) (*action.Response, error) {
	t.Helper()
	d := actiontest.NewDestination(t).Handle(a.handle)
	req := actiontest.JSONDetail(t, actiontest.Query(params(""), form), table(columns, rows...))
	return integration(t, hubspot.Contacts, actiontest.Deps(t, d, nil)).Execute(t.Context(), req)
}

// The records of rows are added to the segment.
func TestSegment(t *testing.T) {
	t.Parallel()
	a := newAccount("1", "2", "3")
	a.segment = []string{"3"}
	if got, want := a.deliverTo(t, toSegment(nil), idAndCity, `1,"A"`, `3,"C"`), "2 contacts updated."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"1", "3"}, a.members()); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestSegmentInLegacyVersion(t *testing.T) {
	t.Parallel()
	a := newAccount("1", "2", "3")
	a.segment = []string{"2", "3"}
	d := actiontest.NewDestination(t).Handle(a.handle)
	i := integration(t, hubspot.Contacts, actiontest.Deps(t, d, map[string]string{"HUBSPOT_API_VERSION": "v3"}))
	req := actiontest.JSONDetail(t, actiontest.Query(params(""), mirrored(nil)), table(idAndCity, `1,"A"`, `2,"B"`))
	if got, want := message(i.Execute(t.Context(), req)), "2 contacts updated. 1 removed from the segment."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"1", "2"}, a.members()); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

// A mirrored segment ends up with the records of the result.
func TestMirror(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form    map[string]string
		columns []string
		rows    []string
		want    []string
		message string
	}{
		"by record ID": {
			mirrored(nil), idAndCity, []string{`1,"A"`, `2,"B"`}, []string{"1", "2"}, "2 contacts updated. 1 removed from the segment.",
		},
		"by email, which creates one": {
			mirrored(map[string]string{"match_by": "email"}),
			[]string{"mail:email", "city"},
			[]string{`"c1@example.com","A"`, `"new@example.com","B"`, `"c2@example.com","C"`},
			[]string{"1", "2", "9003"},
			"3 contacts created or updated. 1 removed from the segment.",
		},
		"unknown records, which have IDs": {
			mirrored(nil), idAndCity,
			[]string{`1,"A"`, `2,"B"`, `99,"X"`},
			[]string{"1", "2"},
			"2 of 3 contacts delivered, 1 rejected. HubSpot has no contact with this ID (first: contact 99). 1 removed from the segment.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("1", "2", "3")
			a.segment, a.pageSize = []string{"2", "3"}, 1
			if got := a.deliverTo(t, tt.form, tt.columns, tt.rows...); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if diff := cmp.Diff(tt.want, a.members()); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
}

// Nothing is removed if it is not certain that a member is to go.
func TestMirrorRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form    map[string]string
		columns []string
		rows    []string
		message string
	}{
		"a row without an ID": {
			mirrored(nil), idAndCity,
			[]string{`1,"A"`, `null,"B"`},
			"1 of 2 contacts delivered, 1 rejected. A row has no contact ID. 0 removed from the segment. " +
				"No members were removed from the segment, because 1 rows have no identifier and their members are unknown.",
		},
		"a rejected address": {
			mirrored(map[string]string{"match_by": "email"}),
			[]string{"mail:email", "city"},
			[]string{`"c1@example.com","A"`, `"bad@example","B"`},
			"1 of 2 contacts delivered, 1 rejected. HubSpot rejected the value for email (INVALID_EMAIL) (first: row 2). 0 removed from the segment. " +
				"No members were removed from the segment, because 1 rows have no identifier and their members are unknown.",
		},
		"more than the limit": {
			mirrored(map[string]string{"mirror_limit": "20"}), idAndCity,
			[]string{`1,"A"`, `2,"B"`},
			"2 contacts updated. 0 removed from the segment. " +
				"No members were removed from the segment: 1 of 3 are not in the result, more than the mirror limit of 20 percent.",
		},
		"no rows": {
			mirrored(nil), idAndCity, nil,
			"0 contacts updated. 0 removed from the segment. No members were removed from the segment, because the result has no rows.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("1", "2", "3")
			a.segment = []string{"2", "3"}
			res, err := a.execute(t, tt.form, tt.columns, tt.rows...)
			if got := action.MessageOf(err); got != tt.message || action.KindOf(err) != action.Invalid {
				t.Errorf("%+v, error %q, want %q", res, got, tt.message)
			}
			if !slices.Contains(a.segment, "3") {
				t.Errorf("members %q, want 3 among them", a.segment)
			}
		})
	}
}

// A segment that cannot be changed is an error before anything is sent.
func TestSegmentCannotBeChanged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form         map[string]string
		kind, object string
		message      string
	}{
		"active": {
			toSegment(nil), "DYNAMIC", "0-1", "The HubSpot segment 7 is active: HubSpot chooses its members itself. Enter a static one.",
		},
		"of companies": {toSegment(nil), "MANUAL", "0-2", "The HubSpot segment 7 is not one of contacts."},
		"unknown":      {map[string]string{"list_id": "8"}, "MANUAL", "0-1", "HubSpot has no segment with the ID 8."},
		"no number":    {map[string]string{"list_id": "x/y"}, "MANUAL", "0-1", `"list_id" must be the numeric ID of a segment.`},
		"none": {
			map[string]string{"mirror": "yes"}, "MANUAL", "0-1", "Mirror mode needs a segment. Enter its ID, or turn mirror mode off.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("1")
			a.kind, a.object = tt.kind, tt.object
			if got := a.deliverTo(t, tt.form, idAndCity, `1,"Basel"`); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if got := a.contacts["1"]["city"]; got != "Bern" {
				t.Errorf("city %q: a row was sent", got)
			}
		})
	}
}

// Records that are updated, but not added to the segment, count as failed.
func TestSegmentRefusesMembers(t *testing.T) {
	t.Parallel()
	a := newAccount("1")
	a.refuses = http.StatusForbidden
	got := a.deliverTo(t, toSegment(nil), idAndCity, `1,"Basel"`)
	const want = "Some contacts were updated, but not added to the segment. " +
		"The access token cannot change segments: it needs the scopes crm.lists.read and crm.lists.write."
	if got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// portal routes the calls of a mirrored segment.
type portal struct {
	updates, additions, removals http.RoundTripper
	// members is the number of members. The first half of them is in the result.
	members int
}

// RoundTrip implements [http.RoundTripper].
func (p *portal) RoundTrip(req *http.Request) (*http.Response, error) {
	switch path := req.URL.Path; {
	case strings.HasSuffix(path, "/batch/update"):
		return p.updates.RoundTrip(req)
	case strings.HasSuffix(path, "/memberships/add"):
		return p.additions.RoundTrip(req)
	case strings.HasSuffix(path, "/memberships/remove"):
		return p.removals.RoundTrip(req)
	case strings.HasSuffix(path, "/memberships"):
		return body(req, p.page(req.URL.Query().Get("after")))
	}
	return body(req, `{"list":{"objectTypeId":"0-1","processingType":"SNAPSHOT"}}`)
}

func body(req *http.Request, text string) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Body = http.NoBody
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: text}}).RoundTrip(req)
}

func (p *portal) page(after string) string {
	begin := 0
	if _, err := fmt.Sscan(after, &begin); err != nil {
		begin = 0
	}
	var results []string
	end := min(begin+250, p.members)
	for n := begin; n < end; n++ {
		results = append(results, fmt.Sprintf(`{"recordId":"%d"}`, total-p.members/2+n+1))
	}
	next := ""
	if end < p.members {
		next = fmt.Sprintf(`,"paging":{"next":{"after":"%d"}}`, end)
	}
	return `{"results":[` + strings.Join(results, ",") + "]" + next + "}"
}

// memberships takes IDs. As at HubSpot, a repeated change has no effect.
func memberships() *rowstest.Destination {
	return &rowstest.Destination{
		Rows: func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
			var ids []string
			if err := json.Unmarshal(body, &ids); err != nil {
				return nil, err
			}
			if len(ids) > 500 {
				return nil, errors.New("more than 500 IDs")
			}
			var rows []rowstest.Row
			for _, id := range ids {
				rows = append(rows, rowstest.Row{ID: id, Key: id})
			}
			return rows, nil
		},
		Answer: func([]rowstest.Row, []int) rowstest.Answer {
			return rowstest.Answer{Status: http.StatusOK, Body: `{"recordIdsMissing":[],"recordsIdsAdded":[],"recordIdsRemoved":[]}`}
		},
		Limited: rowstest.Answer{Status: 429, Body: `{"errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}`},
	}
}

// Each of 100,000 rows and each of 20,000 removed members is counted correctly under injected faults.
func TestMirrorUnderInjectedFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const members = 40_000
		updates, additions, removals := fake(), memberships(), memberships()
		p := &portal{updates: updates, additions: additions, removals: removals, members: members}
		req := rowstest.Query(t, actiontest.Query(params("100"), mirrored(nil)), head, total, row)
		_, err := integration(t, hubspot.Contacts, over(p)).Execute(t.Context(), req)
		if got := updates.Check(t, total, err); got.Failed != total/100 {
			t.Errorf("%+v, want %d unknown contacts", got, total/100)
		}
		if !strings.HasSuffix(action.MessageOf(err), fmt.Sprintf(" %d removed from the segment.", members/2)) {
			t.Errorf("error %v, want %d to be removed", err, members/2)
		}
		removals.Check(t, members/2, nil)
		additions.Check(t, total-total/100, nil)
		if n := updates.Unconfirmed() + additions.Unconfirmed() + removals.Unconfirmed(); n != 0 {
			t.Errorf("%d unconfirmed", n)
		}
	})
}

// The form of each object type offers what its records can be matched by.
func TestForm(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]hubspot.Object{"email": hubspot.Contacts, "domain": hubspot.Companies} {
		var names, options []string
		for _, f := range form(t, o) {
			names = append(names, f.Name)
			if f.Name == "match_by" {
				for _, option := range f.Options {
					options = append(options, option.Name)
				}
			}
			if f.Required {
				t.Errorf("%s is required, but older schedules lack it", f.Name)
			}
		}
		want := []string{"match_by", "match_property", "null_values", "pivoted_columns", "list_id", "mirror", "mirror_limit"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"record_id", name, "property"}, options); diff != "" {
			t.Errorf("options (-want +got):\n%s", diff)
		}
	}
}

// updating answers updates with the IDs of their records, and lets a sink measure the heap.
type updating struct{ sink *rowstest.Sink }

// RoundTrip implements [http.RoundTripper].
func (u updating) RoundTrip(req *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var call struct {
		Inputs []struct {
			ID string `json:"id"`
		} `json:"inputs"`
	}
	if err := json.Unmarshal(text, &call); err != nil {
		return nil, err
	}
	answer, err := json.Marshal(map[string]any{"results": call.Inputs})
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = http.NoBody
	res, err := u.sink.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := res.Body.Close(); err != nil {
		return nil, err
	}
	return body(req, string(answer))
}

// A mirrored segment needs a few bytes for each row. Not parallel: it measures the heap.
func TestMirrorMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	const rows, most = 1_000_000, 32 << 20
	sink := &rowstest.Sink{Answer: rowstest.Answer{Status: 200, Body: "{}"}}
	p := &portal{updates: updating{sink}, additions: sink, removals: sink}
	synctest.Test(t, func(t *testing.T) { // waits for the rate limit take no time
		req := rowstest.Query(t, actiontest.Query(params("100"), mirrored(nil)), head, rows, row)
		res, err := integration(t, hubspot.Contacts, over(p)).Execute(t.Context(), req)
		if err != nil || res.Message != "1000000 contacts updated. 0 removed from the segment." {
			t.Errorf("%+v, %v", res, err)
		}
	})
	if heap := sink.Heap(t); heap > most {
		t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
	}
	t.Logf("%d rows, heap at most %.1f MiB", rows, float64(sink.Heap(t))/(1<<20))
}
