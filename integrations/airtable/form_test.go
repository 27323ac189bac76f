package airtable_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

// optionFields are the fields after the base and the table.
func optionFields() []action.Field {
	return []action.Field{
		{
			Name: "typecast", Label: "Convert values", Type: action.Select, Default: "yes",
			Options: []action.Option{{Name: "yes", Label: "Yes"}, {Name: "no", Label: "No: reject other values"}},
			Description: "Airtable converts values to the type of their field, and adds missing options to select fields, and missing " +
				"records to the tables of linked ones.",
		},
		{
			Name: "operation", Label: "Operation", Type: action.Select, Default: "create",
			Options: []action.Option{
				{Name: "create", Label: "Add a record for each row"},
				{Name: "upsert", Label: "Update the records with the same key, and add the others"},
			},
			Description: "Whether to update records that already exist in the table.",
		},
		{
			Name: "key_fields", Label: "Key Fields", Type: action.String,
			Description: "The fields that identify existing records: one to three, separated by commas. The query must have " +
				"a column for each. Airtable accepts text, number, date and select fields.",
		},
	}
}

func TestFormChecksTheSignIn(t *testing.T) {
	t.Parallel()
	login := []action.Field{{Name: "oauth", Label: "Login", Type: action.OAuthLink, OAuthURL: "https://hub/login"}}
	fields := append([]action.Field{
		{
			Name: "base", Label: "Airtable Base", Type: action.String, Required: true, Interactive: true,
			Description: "The base ID from the base's URL, such as appXXXXXXXXXXXXXX.",
		},
		{Name: "table", Label: "Airtable Table", Type: action.String, Required: true},
	}, optionFields()...)
	for name, tt := range map[string]struct {
		state, good string
		want        []action.Field
		renewed     bool
	}{
		"signed in":               {nested, "a1", fields, false},
		"signed in long ago":      {flat, "a1", fields, false},
		"access expired":          {nested, "a2", fields, true},
		"never signed in":         {"", "a1", login, false},
		"a state of another kind": {`"text"`, "a1", login, false},
		"invalid grant":           {`{"tokens":{"refresh_token":"gone","access_token":"gone"}}`, "a1", login, false},
		"no refresh token":        {`{"tokens":{"access_token":"gone"}}`, "a1", login, false},
		"renewed, yet rejected":   {nested, "none", login, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(airtableAPI(tt.good, created))
			req := request(tt.state)
			req.Form = nil
			got, err := resolved(t, d).Form.Form(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if (got.State != nil) != tt.renewed || tt.renewed && got.State.Data != fresh {
				t.Errorf("state %+v", got.State)
			}
		})
	}
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 503})
	if _, err := resolved(t, d).Form.Form(t.Context(), request(nested)); action.KindOf(err) != action.Unavailable {
		t.Errorf("unavailable: %v", err)
	}
}

// Replies of the metadata API, in the form of
// https://airtable.com/developers/web/api/list-bases and https://airtable.com/developers/web/api/get-base-schema.
const (
	firstBases = `{"bases":[{"id":"app1","name":"Sales","permissionLevel":"create"},` +
		`{"id":"app2","name":"Archive","permissionLevel":"read"},{"id":"app3","name":"Notes","permissionLevel":"comment"}],"offset":"itr1/app3"}`
	moreBases  = `{"bases":[{"id":"app4","name":"Events","permissionLevel":"edit"},{"id":"app5","name":"Hidden","permissionLevel":"none"}]}`
	someTables = `{"tables":[{"id":"tbl1","name":"Orders","primaryFieldId":"fld1",` +
		`"fields":[{"id":"fld1","name":"Name","type":"singleLineText"}]},{"id":"tbl2","name":"My table/x","primaryFieldId":"fld2","fields":[]}]}`
)

// metadata is Airtable with bases and tables. tables replaces the reply for the tables.
func metadata(bases, tables actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		switch {
		case r.Path == "/v0/meta/bases" && bases.Status != 0:
			return bases
		case r.Path == "/v0/meta/bases" && r.Query.Get("offset") == "itr1/app3":
			return actiontest.Reply{Body: moreBases}
		case r.Path == "/v0/meta/bases":
			return actiontest.Reply{Body: firstBases}
		case r.Path == "/v0/meta/bases/app1/tables":
			return tables
		}
		return actiontest.Reply{Status: 404, Body: `{"error":"NOT_FOUND"}`}
	}
}

// chosenField describes a field in short: its type, and its options.
func chosenField(f action.Field) string {
	texts := []string{string(f.Type)}
	for _, o := range f.Options {
		texts = append(texts, o.Name+"="+o.Label)
	}
	return strings.Join(texts, " ")
}

func TestFormOffersBasesAndTables(t *testing.T) {
	t.Parallel()
	denied := actiontest.Reply{Status: 403, Body: `{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}}`}
	listed := actiontest.Reply{Body: someTables}
	const bases = "select app1=Sales app4=Events"
	for name, tt := range map[string]struct {
		form          map[string]string
		bases, tables actiontest.Reply
		base, table   string
	}{
		"nothing chosen": {base: bases, table: "string"},
		"a base": {
			form: map[string]string{"base": "app1"}, tables: listed,
			base: bases, table: "select tbl1=Orders tbl2=My table/x",
		},
		"a table by its name": {
			form: map[string]string{"base": "app1", "table": "Orders"}, tables: listed,
			base: bases, table: "select Orders=Orders tbl2=My table/x",
		},
		"another base's table": {
			form: map[string]string{"base": "app1", "table": "tbl9"}, tables: listed,
			base: bases, table: "select tbl1=Orders tbl2=My table/x",
		},
		"a base not listed": {form: map[string]string{"base": "app9"}, base: bases + " app9=app9", table: "string"},
		"an invalid base":   {form: map[string]string{"base": "../x"}, base: bases + " ../x=../x", table: "string"},
		"no tables": {
			form: map[string]string{"base": "app1"}, tables: actiontest.Reply{Body: `{"tables":[]}`}, base: bases, table: "string",
		},
		"tables denied": {form: map[string]string{"base": "app1"}, tables: denied, base: bases, table: "string"},
		"tables unavailable": {
			form: map[string]string{"base": "app1"}, tables: actiontest.Reply{Status: http.StatusServiceUnavailable},
			base: bases, table: "string",
		},
		"bases denied": {form: map[string]string{"base": "app1"}, bases: denied, tables: denied, base: "string", table: "string"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(nested)
			req.Form = tt.form
			form, err := resolved(t, actiontest.NewDestination(t).Handle(metadata(tt.bases, tt.tables))).Form.Form(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{chosenField(form.Fields[0]), chosenField(form.Fields[1])}
			if diff := cmp.Diff([]string{tt.base, tt.table}, got); diff != "" {
				t.Errorf("base and table (-want +got):\n%s", diff)
			}
			if !form.Fields[0].Interactive {
				t.Error("a change of the base does not list its tables")
			}
			if diff := cmp.Diff(optionFields(), form.Fields[2:]); diff != "" {
				t.Errorf("other fields (-want +got):\n%s", diff)
			}
		})
	}
}

// A list that never ends is cut off.
func TestFormListsSomePagesOnly(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: firstBases})
	req := request(nested)
	req.Form = nil
	form, err := resolved(t, d).Form.Form(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Requests()); n != 5 || strings.Count(chosenField(form.Fields[0]), "app1=Sales") != n {
		t.Errorf("%d requests, %s", n, chosenField(form.Fields[0]))
	}
}
