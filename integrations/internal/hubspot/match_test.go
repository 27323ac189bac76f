package hubspot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/hubspot"
	"integrationhub.dev/integrations/internal/rowstest"
)

// Contacts are matched by email, and created if there are none.
func TestMatchByEmail(t *testing.T) {
	t.Parallel()
	a := newAccount("1", "2")
	columns := []string{"id:hubspot_contact_id", "mail:email", "city"}
	got := a.deliverTo(t, map[string]string{"match_by": "email"}, columns,
		`1,"C1@example.com","Basel"`, `null,"new@example.com","Genf"`, `3,null,"x"`, `4,"no address","x"`, `5,"c1@EXAMPLE.com","Chur"`)
	const want = "3 of 5 contacts delivered, 2 rejected. A row has no value that identifies its contact. A row's email address is not valid."
	if got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got, want := a.contacts["1"]["city"], "Chur"; got != want {
		t.Errorf("city %q, want %q: the last row counts", got, want)
	}
	if diff := cmp.Diff(map[string]string{"email": "new@example.com", "city": "Genf"}, a.contacts["9002"]); diff != "" {
		t.Errorf("the new contact (-want +got):\n%s", diff)
	}
}

func TestMatchedRowsAreCounted(t *testing.T) {
	t.Parallel()
	a := newAccount("1")
	got := a.deliverTo(t, map[string]string{"match_by": "property", "match_property": "own_id"},
		[]string{"key:hubspot_contact_id", "city"}, `"own-1","Basel"`, `"own-2","Genf"`)
	if want := "2 contacts created or updated."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if a.contacts["1"]["city"] != "Basel" || a.contacts["9001"]["city"] != "Genf" {
		t.Errorf("contacts %v", a.contacts)
	}
}

// An email address is personal: messages name the row.
func TestRejectedAddressIsNotShown(t *testing.T) {
	t.Parallel()
	a := newAccount("1")
	got := a.deliverTo(t, map[string]string{"match_by": "email"}, []string{"mail:email", "city"},
		`"c1@example.com","Basel"`, `"secret@example","Genf"`)
	if want := "1 of 2 contacts delivered, 1 rejected. HubSpot rejected the value for email (INVALID_EMAIL) (first: row 2)."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// HubSpot names updates that failed by the trace of the request.
func TestTraces(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(answering(func(r actiontest.Recorded) actiontest.Reply {
		const want = `{"inputs":[{"id":"a@example.com","idProperty":"email","properties":{"city":"A"},"objectWriteTraceId":"0"},` +
			`{"id":"b@example.com","idProperty":"email","properties":{"city":"B"},"objectWriteTraceId":"1"}]}`
		if diff := cmp.Diff(want, string(r.Body)); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		return actiontest.Reply{Status: 207, Body: `{"results":[{"id":"51","objectWriteTraceId":"1"}],"errors":[{"category":"VALIDATION_ERROR",` +
			`"message":"Property values were not valid: [{\"error\":\"INVALID_OPTION\",\"name\":\"city\"}]","context":{"objectWriteTraceId":["0"]}}]}`}
	}))
	req := actiontest.JSONDetail(t, actiontest.Query(params(""), map[string]string{"match_by": "email"}),
		table([]string{"mail:email", "city"}, `"a@example.com","A"`, `"b@example.com","B"`))
	got := message(integration(t, hubspot.Contacts, actiontest.Deps(t, d, nil)).Execute(t.Context(), req))
	if want := "1 of 2 contacts delivered, 1 rejected. HubSpot rejected the value for city (INVALID_OPTION) (first: row 1)."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// HubSpot matches records only by properties with unique values. Nothing is sent if it would not.
func TestMatchIsNotPossible(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		object  hubspot.Object
		form    map[string]string
		message string
	}{
		"a domain that is not unique": {
			hubspot.Companies,
			map[string]string{"match_by": "domain"},
			"HubSpot matches companies only by properties with unique values, which domain is not. " +
				"Create a property with unique values for your own ID, and match by it.",
		},
		"an unknown property": {
			hubspot.Contacts,
			map[string]string{"match_by": "property", "match_property": "other"},
			"HubSpot has no contact property named other.",
		},
		"no property": {
			hubspot.Contacts, map[string]string{"match_by": "property"}, "Enter the internal name of the property that identifies records.",
		},
		"a contact's domain":  {hubspot.Contacts, map[string]string{"match_by": "domain"}, "HubSpot contacts cannot be matched by domain."},
		"a company's address": {hubspot.Companies, map[string]string{"match_by": "email"}, "HubSpot companies cannot be matched by email."},
		"something else": {
			hubspot.Contacts, map[string]string{"match_by": "name"}, `"match_by" must be record_id, email, domain or property.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(answering(updated))
			req := actiontest.JSONDetail(t, actiontest.Query(params(""), tt.form),
				table([]string{"key:" + tt.object.Tag, "city"}, `"a.example.com","x"`))
			_, err := integration(t, tt.object, actiontest.Deps(t, d, nil)).Execute(t.Context(), req)
			if got := action.MessageOf(err); got != tt.message || action.KindOf(err) != action.Invalid || len(batches(d)) != 0 {
				t.Errorf("%d calls, error %v, want %q", len(batches(d)), err, tt.message)
			}
		})
	}
}

// An account can have made the address not unique, which only the call says.
func TestAddressIsNotUnique(t *testing.T) {
	t.Parallel()
	a := newAccount("1")
	a.unique = nil
	got := a.deliverTo(t, map[string]string{"match_by": "email"}, []string{"mail:email", "city"}, `"a@example.com","A"`, `"b@example.com","B"`)
	if want := "HubSpot matches contacts only by properties with unique values, which email is not."; !strings.HasSuffix(got, want) {
		t.Errorf("message %q, want suffix %q", got, want)
	}
	if len(a.calls) != 2 {
		t.Errorf("calls %q", a.calls)
	}
}

func TestNoColumnToMatch(t *testing.T) {
	t.Parallel()
	a := newAccount("1")
	got := a.deliverTo(t, map[string]string{"match_by": "email"}, []string{"mail", "city"}, `"a@example.com","A"`)
	if want := "A field with the tag email or hubspot_contact_id is required."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// upserting takes records by their address, in any order. As at HubSpot, it names those that it rejects by their traces, and a
// repeated record has no effect.
func upserting() *rowstest.Destination {
	return &rowstest.Destination{
		Rows: func(req *http.Request, body []byte) ([]rowstest.Row, error) {
			var call struct{ Inputs []batchInput }
			if err := json.Unmarshal(body, &call); err != nil {
				return nil, err
			}
			if !strings.HasSuffix(req.URL.Path, "/batch/upsert") || len(call.Inputs) > 100 {
				return nil, fmt.Errorf("%d inputs for %s", len(call.Inputs), req.URL.Path)
			}
			var rows []rowstest.Row
			for i, in := range call.Inputs {
				if in.IDProperty != "email" || in.Trace != strconv.Itoa(i) {
					return nil, fmt.Errorf("an input with the property %q and the trace %q", in.IDProperty, in.Trace)
				}
				rows = append(rows, rowstest.Row{ID: in.ID, Key: in.ID})
			}
			return rows, nil
		},
		Refuses: func(id string) bool { return strings.HasPrefix(id, "c") && strings.HasSuffix(id, "77@example.com") },
		Answer: func(rows []rowstest.Row, rejected []int) rowstest.Answer {
			var results, traces []string
			for i := range slices.Backward(rows) {
				if slices.Contains(rejected, i) {
					traces = append(traces, fmt.Sprintf(`"%d"`, i))
				} else {
					results = append(results, fmt.Sprintf(`{"id":"5%d","new":true,"objectWriteTraceId":"%d"}`, i, i))
				}
			}
			body := `{"results":[` + strings.Join(results, ",") + `]`
			if len(traces) > 0 {
				body += `,"errors":[{"category":"VALIDATION_ERROR","context":{"objectWriteTraceId":[` + strings.Join(traces, ",") + `]}}]`
			}
			return rowstest.Answer{Status: http.StatusMultiStatus, Body: body + "}"}
		},
		Limited: rowstest.Answer{Status: 429, Body: `{"errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}`},
	}
}

// Each of 100,000 rows that create or update is counted correctly under injected faults.
func TestUpsertsUnderInjectedFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const head = `{"fields":{"dimensions":[{"name":"mail","tags":["email"]},{"name":"city"}]}`
		row := func(i int) string {
			return fmt.Sprintf(`{"mail":{"value":"c%d@example.com"},"city":{"value":"Zürich"}}`, i)
		}
		d := upserting()
		req := rowstest.Query(t, actiontest.Query(params("100"), map[string]string{"match_by": "email"}), head, total, row)
		_, err := integration(t, hubspot.Contacts, over(d)).Execute(t.Context(), req)
		if got := d.Check(t, total, err); got.Failed != total/100 {
			t.Errorf("%+v, want the %d rejected contacts to fail, and no other", got, total/100)
		}
		if n := d.Unconfirmed(); n != 0 {
			t.Errorf("%d rows arrived, but are not confirmed", n)
		}
	})
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][]string{
		"":        {"GET /crm/properties/2026-09/contacts", "POST /crm/objects/2026-09/contacts/batch/update"},
		"2026-09": {"GET /crm/properties/2026-09/contacts", "POST /crm/objects/2026-09/contacts/batch/update"},
		" v3 ":    {"GET /crm/v3/properties/contacts", "POST /crm/v3/objects/contacts/batch/update"},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			a := newAccount("1")
			d := actiontest.NewDestination(t).Handle(a.handle)
			i := integration(t, hubspot.Contacts, actiontest.Deps(t, d, map[string]string{"HUBSPOT_API_VERSION": version}))
			if _, err := i.Execute(t.Context(), query(t, "", contacts("1"))); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, a.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
	for _, version := range []string{"v1", "2026", "2026-10", "latest"} {
		if _, err := hubspot.New(hubspot.Contacts, action.Deps{Env: map[string]string{"HUBSPOT_API_VERSION": version}}); err == nil {
			t.Errorf("HUBSPOT_API_VERSION=%q is accepted", version)
		}
	}
}
