package salesforcecampaigns_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowstest"
	"integrationhub.dev/integrations/salesforcecampaigns"
)

func mirroring(limit string) map[string]string {
	form := appending()
	maps.Copy(form, map[string]string{"mirror": "yes", "mirror_limit": limit, "surface_sfdc_errors": "no"})
	return form
}

// A mirrored campaign ends up with the members of the result. Those that it has already are no errors.
func TestMirror(t *testing.T) {
	t.Parallel()
	c := (&crm{statuses: []string{"Sent"}}).with(1, 2, 7, 8)
	c.locked = []string{memberID(7)}
	d, res, err := deliverTo(t, c, mirroring(""), contacts(4)) // 0 to 3
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "2 members added, 2 were members already, 2 removed."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3"}, c.contacts()); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	var got []string
	for _, r := range d.Requests() {
		if r.Method == http.MethodDelete {
			got = append(got, fmt.Sprintf("%s allOrNone=%s ids=%s", r.Path, r.Query.Get("allOrNone"), r.Query.Get("ids")))
		}
	}
	want := []string{
		data + "composite/sobjects allOrNone=false ids=" + memberID(7) + "," + memberID(8),
		data + "composite/sobjects allOrNone=false ids=" + memberID(7),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("removals (-want +got):\n%s", diff)
	}
}

// A lead that was converted is a member by its own ID and by its contact's. Accounts are not removed.
func TestMirrorKeepsConvertedLeads(t *testing.T) {
	t.Parallel()
	const lead = "00Q000000000001"
	c := (&crm{statuses: []string{"Sent"}}).with(5)
	c.members = append(c.members, crmMember{ID: memberID(6), ContactID: contact(6) + "AAA", LeadID: lead + "AAB"})
	c.members = append(c.members, crmMember{ID: memberID(7), ContactID: contact(7) + "AAA", LeadID: "00Q000000000002AAB"})
	rows := `{"fields":{"dimensions":[{"name":"c","tags":["sfdc_contact_id"]},{"name":"l","tags":["sfdc_lead_id"]}]},"data":[` +
		`{"c":{"value":"` + contact(7) + `"},"l":{"value":null}},{"l":{"value":"` + lead + `"}}]}`
	d, res, err := deliverTo(t, c, mirroring(""), rows)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "removed."; !strings.HasSuffix(got, " 1 "+want) {
		t.Errorf("message %q, want one to be removed", got)
	}
	for _, r := range d.Requests() {
		q := r.Query.Get("q")
		if strings.Contains(q, "FROM CampaignMember WHERE") && !strings.HasSuffix(q, "(ContactId != null OR LeadId != null)") {
			t.Errorf("query %q also lists accounts", q)
		}
	}
	if slices.Contains(c.contacts(), "5") {
		t.Errorf("contact 5 is a member still: %q", c.contacts())
	}
}

// Nothing is removed if it is not certain that a member is to go.
func TestMirrorRefuses(t *testing.T) {
	t.Parallel()
	whole := contacts(4)
	for name, tt := range map[string]struct {
		limit, rows string
		message     string
	}{
		"more than the limit": {
			limit: "10", rows: whole,
			message: "2 members added, 2 were members already, 0 removed. " +
				"No members were removed from the campaign: 2 of 6 are not in the result, more than the mirror limit of 10 percent.",
		},
		"a row without an ID": {
			rows: strings.Replace(whole, `"`+contact(3)+`"`, "null", 1),
			message: "3 of 4 members delivered, 1 rejected. A row has no contact ID. 1 members added, 2 were members already, 0 removed. " +
				"No members were removed from the campaign, because 1 rows have no identifier and their members are unknown.",
		},
		"no rows": {
			rows:    contacts(0),
			message: "0 members added, 0 were members already, 0 removed. No members were removed from the campaign, because the result has no rows.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := (&crm{statuses: []string{"Sent"}}).with(1, 2, 7, 8)
			_, _, err := deliverTo(t, c, mirroring(tt.limit), tt.rows)
			if got := action.MessageOf(err); got != tt.message || action.KindOf(err) != action.Invalid {
				t.Errorf("error %q, want %q", got, tt.message)
			}
			if !slices.Contains(c.contacts(), "7") || !slices.Contains(c.contacts(), "8") {
				t.Errorf("members %q, want 7 and 8 among them", c.contacts())
			}
		})
	}
	t.Run("truncated data", func(t *testing.T) {
		t.Parallel()
		c := (&crm{statuses: []string{"Sent"}}).with(1, 2, 7, 8)
		d := actiontest.NewDestination(t).Handle(c.handle)
		req := actiontest.Download(t, request(mirroring("")), actiontest.BrokenDownload(whole[:len(whole)-10]))
		_, err := resolved(t, d, nil).Execute(t.Context(), req)
		if got := action.MessageOf(err); !strings.HasSuffix(got, "No members were removed from the campaign, because the result is incomplete.") {
			t.Errorf("error %q", got)
		}
		if !slices.Contains(c.contacts(), "7") {
			t.Errorf("members %q, want 7 among them", c.contacts())
		}
	})
}

// A removal that fails is an error with counts, whatever the user chose for rejected members.
func TestMirrorRemovalFails(t *testing.T) {
	t.Parallel()
	c := (&crm{statuses: []string{"Sent"}, refused: []string{memberID(7)}}).with(1, 2, 7, 8)
	_, _, err := deliverTo(t, c, mirroring(""), contacts(4))
	const want = "2 members added, 2 were members already, 1 removed. 1 members were not removed. 1 of 2 removals delivered, 1 rejected. " +
		"Salesforce reported: insufficient access (INSUFFICIENT_ACCESS_OR_READONLY) (first: campaign member 00v000000000007AAA)."
	if got := action.MessageOf(err); got != want || action.KindOf(err) != action.Invalid {
		t.Errorf("error %q, want %q", got, want)
	}
}

// A member that somebody else removed meanwhile is gone.
func TestMirrorMemberIsGoneAlready(t *testing.T) {
	t.Parallel()
	c := (&crm{statuses: []string{"Sent"}}).with(1, 2, 7)
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if r.Method == http.MethodDelete {
			c.members = slices.DeleteFunc(c.members, func(m crmMember) bool { return m.ID == memberID(7) })
		}
		return c.handle(r)
	})
	res, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(mirroring("")), contacts(3)))
	if err != nil || res.Message != "1 members added, 2 were members already, 1 removed." {
		t.Errorf("%+v, %v", res, err)
	}
}

// A new campaign has no other members.
func TestMirrorOfNewCampaign(t *testing.T) {
	t.Parallel()
	c := &crm{statuses: []string{"Sent"}}
	form := mirroring("")
	form["create_or_append"], form["campaign_name"] = "create", "Autumn"
	d, res, err := deliverTo(t, c, form, contacts(2))
	if err != nil || res.Message != "2 members added." || len(d.Requests()) != 2 {
		t.Errorf("%d requests, %+v, %v", len(d.Requests()), res, err)
	}
}

// mirrored routes the calls of a mirrored campaign: additions, removals, and the pages of the list of members.
type mirrored struct {
	additions, removals http.RoundTripper
	// members is the number of members. Their contacts follow those of the result.
	members int
	served  int
}

// RoundTrip implements [http.RoundTripper].
func (m *mirrored) RoundTrip(req *http.Request) (*http.Response, error) {
	switch req.Method {
	case http.MethodDelete:
		return m.removals.RoundTrip(withBody(req))
	case http.MethodPost:
		return m.additions.RoundTrip(req)
	}
	const page = 2000
	var all []crmMember
	for n := m.served; n < min(m.served+page, m.members); n++ {
		// Half of the members are in the result.
		all = append(all, crmMember{ID: memberID(n), ContactID: contact(total - m.members/2 + n)})
	}
	m.served += len(all)
	body := encode(map[string]any{"records": all, "done": m.served == m.members, "nextRecordsUrl": data + "query/01g-2"})
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: body}}).RoundTrip(withBody(req))
}

func withBody(req *http.Request) *http.Request {
	req = req.Clone(req.Context())
	req.Body = http.NoBody
	return req
}

// removalsOf rejects members whose ID ends with 77, and reports a repeated removal as one of a deleted record.
func removalsOf() *rowstest.Destination {
	gone := map[string]bool{}
	return &rowstest.Destination{
		Rows: func(req *http.Request, _ []byte) ([]rowstest.Row, error) {
			var rows []rowstest.Row
			for id := range strings.SplitSeq(req.URL.Query().Get("ids"), ",") {
				rows = append(rows, rowstest.Row{ID: id, Key: id})
			}
			if len(rows) > 200 {
				return nil, fmt.Errorf("%d IDs", len(rows))
			}
			return rows, nil
		},
		Refuses: func(id string) bool { return strings.HasSuffix(id, "77AAA") },
		Answer: func(rows []rowstest.Row, rejected []int) rowstest.Answer {
			results := make([]result, len(rows))
			for i, r := range rows {
				switch {
				case slices.Contains(rejected, i):
					results[i] = rejection("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access")
				case gone[r.ID]:
					results[i] = rejection("ENTITY_IS_DELETED", "entity is deleted")
				default:
					gone[r.ID] = true
					results[i] = result{ID: r.ID, Success: true}
				}
			}
			return rowstest.Answer{Status: http.StatusOK, Body: encode(results)}
		},
	}
}

// Each of 100,000 members that are added, and each of 20,000 that are removed, is counted correctly under injected faults.
func TestMirrorUnderInjectedFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const members = 40_000
		additions, removals := campaignOf(), removalsOf()
		m := &mirrored{additions: additions, removals: removals, members: members}
		deps := action.Deps{Env: env, HTTP: &http.Client{Transport: m}}
		req := rowstest.Query(t, request(mirroring("")), head, total, row)
		_, err := actiontest.New(t, salesforcecampaigns.New, deps).Execute(t.Context(), req)
		if got := additions.Check(t, total, err); got.Failed != total/100 {
			t.Errorf("%+v, want %d rejected contacts", got, total/100)
		}
		_, message, found := strings.Cut(action.MessageOf(err), "members were not removed. ")
		if !found {
			t.Fatalf("error %v", err)
		}
		got := removals.Check(t, members/2, action.Errorf(action.Invalid, "%s", message))
		if want := (rowstest.Account{Delivered: members/2 - members/200, Failed: members / 200}); got != want {
			t.Errorf("removals %+v, want %+v", got, want)
		}
		if n := removals.Unconfirmed() + additions.Unconfirmed(); n != 0 {
			t.Errorf("%d members unconfirmed", n)
		}
	})
}

// A mirrored campaign needs a few bytes for each row. Not parallel: it measures the heap.
func TestMirrorMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	const rows, most = 1_000_000, 32 << 20
	results := strings.TrimSuffix(strings.Repeat(`{"id":"00v","success":true,"errors":[]},`, 200), ",")
	sink := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: "[" + results + "]"}}
	deps := action.Deps{Env: env, HTTP: &http.Client{Transport: &mirrored{additions: sink}}}
	req := rowstest.Query(t, request(mirroring("")), head, rows, row)
	res, err := actiontest.New(t, salesforcecampaigns.New, deps).Execute(t.Context(), req)
	if err != nil || res.Message != "1000000 members added, 0 were members already, 0 removed." {
		t.Fatalf("%+v, %v", res, err)
	}
	if heap := sink.Heap(t); heap > most {
		t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
	}
	t.Logf("%d rows, heap at most %.1f MiB", rows, float64(sink.Heap(t))/(1<<20))
}
