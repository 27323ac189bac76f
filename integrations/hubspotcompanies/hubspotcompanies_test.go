package hubspotcompanies_test

import (
	"testing"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/hubspotcompanies"
)

func TestExecute(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(
		actiontest.Reply{Body: `{"results":[{"name":"o_city","type":"string"}]}`},
		actiontest.Reply{Body: `{"status":"COMPLETE","results":[{"id":"512"}]}`},
	)
	i := actiontest.New(t, hubspotcompanies.New, actiontest.Deps(t, d, nil))
	req := actiontest.JSONDetail(t, actiontest.Query(map[string]string{"hubspot_access_token": "pat"}, nil),
		`{"fields":{"dimensions":[{"name":"id","tags":["hubspot_company_id"]},{"name":"o.city"}]},"data":[{"id":{"value":512},"o.city":{"value":"Bern"}}]}`)
	res, err := i.Execute(t.Context(), req)
	if err != nil || res.Message != "1 companies updated." {
		t.Fatalf("%+v, %v", res, err)
	}
	if got, want := d.Requests()[0].Path, "/crm/properties/2026-09/companies"; got != want {
		t.Errorf("properties are read at %s, want %s", got, want)
	}
	r := d.Requests()[1]
	if body := string(r.Body); r.Path != "/crm/objects/2026-09/companies/batch/update" || body != `{"inputs":[{"id":"512","properties":{"o_city":"Bern"}}]}` {
		t.Errorf("arrived at %s: %s", r.Path, body)
	}
}
