package hubspot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/hubspot"
)

// account is a HubSpot account with contacts. As at HubSpot, null leaves a property as it is, an empty text clears
// it, a date must be a day or midnight UTC, and records are matched only by properties with unique values.
type account struct {
	// contacts are the properties by record ID.
	contacts map[string]map[string]string
	// unique are the properties by which records can be matched.
	unique []string
	// segment has the record IDs of the static segment 7, in the order of the list.
	segment []string
	// kind and object are those of the segment.
	kind, object string
	// pageSize is the size of a page of members; 0 means 250.
	pageSize int
	// refuses rejects changes of the segment with a status.
	refuses int
	calls   []string
}

func newAccount(ids ...string) *account {
	a := &account{contacts: map[string]map[string]string{}, unique: []string{"email", "own_id"}, kind: "MANUAL", object: "0-1"}
	for _, id := range ids {
		a.contacts[id] = map[string]string{"email": "c" + id + "@example.com", "own_id": "own-" + id, "city": "Bern", "born": "1970-01-01"}
	}
	return a
}

type batchInput struct {
	ID, IDProperty string
	Properties     map[string]*string
	Trace          string `json:"objectWriteTraceId"`
}

func (a *account) handle(r actiontest.Recorded) actiontest.Reply {
	a.calls = append(a.calls, r.Method+" "+r.Path)
	const lists = "/crm/lists/2026-09/7"
	switch strings.Replace(r.Path, "/crm/v3/lists/7", lists, 1) {
	case "/crm/properties/2026-09/contacts", "/crm/v3/properties/contacts", "/crm/properties/2026-09/companies":
		return actiontest.Reply{Body: definitions}
	case "/crm/objects/2026-09/contacts/batch/update", "/crm/v3/objects/contacts/batch/update":
		return a.batch(r.Body, false)
	case "/crm/objects/2026-09/contacts/batch/upsert":
		return a.batch(r.Body, true)
	case lists:
		return actiontest.Reply{Body: fmt.Sprintf(`{"list":{"listId":"7","objectTypeId":%q,"processingType":%q}}`, a.object, a.kind)}
	case lists + "/memberships":
		return a.page(r)
	case lists + "/memberships/add", lists + "/memberships/remove":
		return a.change(r.Body, strings.HasSuffix(r.Path, "remove"))
	}
	return actiontest.Reply{Status: http.StatusNotFound, Body: `{"status":"error","message":"resource not found"}`}
}

func reject(message string, args ...any) actiontest.Reply {
	body := map[string]string{"status": "error", "category": "VALIDATION_ERROR", "message": fmt.Sprintf(message, args...)}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return actiontest.Reply{Status: http.StatusBadRequest, Body: string(text)}
}

func (a *account) batch(body []byte, upsert bool) actiontest.Reply {
	var call struct{ Inputs []batchInput }
	if err := json.Unmarshal(body, &call); err != nil || len(call.Inputs) > 100 {
		return reject("Invalid input JSON")
	}
	for _, in := range call.Inputs {
		if why := a.invalid(in, upsert); why != "" {
			return reject("%s", why)
		}
	}
	var results, missing []string
	for _, in := range call.Inputs {
		id, isNew := a.find(in)
		if id == "" {
			missing = append(missing, strconv.Quote(in.ID))
			continue
		}
		a.set(id, in.Properties)
		results = append(results, fmt.Sprintf(`{"id":%q,"new":%t,"objectWriteTraceId":%q}`, id, isNew, in.Trace))
	}
	answer := `{"status":"COMPLETE","results":[` + strings.Join(results, ",") + `]`
	if len(missing) > 0 {
		answer += `,"numErrors":1,"errors":[{"category":"OBJECT_NOT_FOUND","context":{"ids":[` + strings.Join(missing, ",") + `]}}]`
	}
	return actiontest.Reply{Body: answer + "}"}
}

// invalid says why HubSpot rejects the batch of an input.
func (a *account) invalid(in batchInput, upsert bool) string {
	if upsert && !slices.Contains(a.unique, in.IDProperty) {
		return "Unable to perform update/upsert by non-unique 0-1 property " + in.IDProperty
	}
	if upsert && in.IDProperty == "email" && !strings.Contains(in.ID, ".") {
		return `Property values were not valid: [{"error":"INVALID_EMAIL","name":"email"}]`
	}
	valid := map[string]func(string) bool{"born": isDay, "seen": isTime, "vip": isBool}
	for name, value := range in.Properties {
		if check := valid[name]; check != nil && value != nil && *value != "" && !check(*value) {
			return fmt.Sprintf(`Property values were not valid: [{"error":"INVALID_VALUE","name":%q}]`, name)
		}
	}
	return ""
}

func isDay(text string) bool {
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n%(24*time.Hour).Milliseconds() == 0
}

func isBool(text string) bool { return text == "true" || text == "false" }

func isTime(text string) bool {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.Location() == time.UTC
	}
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}

// find returns the record ID of an input. Upserts create records.
func (a *account) find(in batchInput) (id string, isNew bool) {
	if in.IDProperty == "" {
		if a.contacts[in.ID] == nil {
			return "", false
		}
		return in.ID, false
	}
	for id, properties := range a.contacts {
		if strings.EqualFold(properties[in.IDProperty], in.ID) {
			return id, false
		}
	}
	id = strconv.Itoa(9000 + len(a.contacts))
	a.contacts[id] = map[string]string{in.IDProperty: in.ID}
	return id, true
}

func (a *account) set(id string, properties map[string]*string) {
	for name, value := range properties {
		switch {
		case value == nil:
		case *value == "":
			delete(a.contacts[id], name)
		default:
			a.contacts[id][name] = *value
		}
	}
}

func (a *account) page(r actiontest.Recorded) actiontest.Reply {
	size := a.pageSize
	if size == 0 {
		size = 250
	}
	begin := 0
	if after := r.Query.Get("after"); after != "" {
		begin = slices.Index(a.segment, after) + 1
	}
	end := min(begin+size, len(a.segment))
	var results []string
	for _, id := range a.segment[begin:end] {
		results = append(results, fmt.Sprintf(`{"recordId":%q,"membershipTimestamp":"2026-11-23T10:00:00Z"}`, id))
	}
	paging := ""
	if end < len(a.segment) {
		paging = fmt.Sprintf(`,"paging":{"next":{"after":%q}}`, a.segment[end-1])
	}
	return actiontest.Reply{Body: `{"results":[` + strings.Join(results, ",") + `]` + paging + `}`}
}

func (a *account) change(body []byte, remove bool) actiontest.Reply {
	if a.refuses != 0 {
		return actiontest.Reply{Status: a.refuses, Body: `{"status":"error","category":"MISSING_SCOPES"}`}
	}
	var ids []string
	if err := json.Unmarshal(body, &ids); err != nil {
		return reject("Invalid input JSON")
	}
	missing := []string{}
	for _, id := range ids {
		switch {
		case remove:
			a.segment = slices.DeleteFunc(a.segment, func(other string) bool { return other == id })
		case a.contacts[id] == nil:
			missing = append(missing, id)
		case !slices.Contains(a.segment, id):
			a.segment = append(a.segment, id)
		}
	}
	text, err := json.Marshal(map[string]any{"recordIdsMissing": missing, "recordsIdsAdded": []string{}, "recordIdsRemoved": []string{}})
	if err != nil {
		panic(err)
	}
	return actiontest.Reply{Body: string(text)}
}

// members are those of the segment, sorted.
func (a *account) members() []string { return slices.Sorted(slices.Values(a.segment)) }

// deliverTo sends rows to the account. columns are "name" or "name:tag", rows JSON values in their order.
func (a *account) deliverTo(t *testing.T, form map[string]string, columns []string, rows ...string) string {
	t.Helper()
	d := actiontest.NewDestination(t).Handle(a.handle)
	req := actiontest.JSONDetail(t, actiontest.Query(params(""), form), table(columns, rows...))
	return message(integration(t, hubspot.Contacts, actiontest.Deps(t, d, nil)).Execute(t.Context(), req))
}

func table(columns []string, rows ...string) string {
	var fields, data []string
	for _, c := range columns {
		name, tag, _ := strings.Cut(c, ":")
		fields = append(fields, fmt.Sprintf(`{"name":%q,"label":%q,"tags":[%q]}`, name, strings.ToUpper(name), tag))
	}
	for _, row := range rows {
		var values []json.RawMessage
		if err := json.Unmarshal([]byte("["+row+"]"), &values); err != nil {
			panic(err)
		}
		var cells []string
		for i, v := range values {
			name, _, _ := strings.Cut(columns[i], ":")
			cell := fmt.Sprintf(`{"value":%s}`, v)
			if v[0] == '{' { // pivoted
				cell = string(v)
			}
			cells = append(cells, fmt.Sprintf("%q:%s", name, cell))
		}
		data = append(data, "{"+strings.Join(cells, ",")+"}")
	}
	return `{"fields":{"dimensions":[` + strings.Join(fields, ",") + `]},"data":[` + strings.Join(data, ",") + `]}`
}

// form returns the fields of the integration's form.
func form(t *testing.T, o hubspot.Object) []action.Field {
	t.Helper()
	f, err := action.Resolve(integration(t, o, action.Deps{})).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	return f.Fields
}
