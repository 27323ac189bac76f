package jirafield_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/jirafield"
)

// screen is a page of createmeta: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
const screen = `[
{"fieldId":"summary","name":"Summary","required":true,"schema":{"type":"string","system":"summary"}},
{"fieldId":"project","name":"Project","required":true,"schema":{"type":"project","system":"project"}},
{"fieldId":"reporter","name":"Reporter","required":true,"schema":{"type":"user","system":"reporter"}},
{"fieldId":"labels","name":"Labels","required":false,"schema":{"type":"array","items":"string","system":"labels"}},
{"fieldId":"priority","name":"Priority","required":true,"hasDefaultValue":true,"schema":{"type":"priority","system":"priority"},"allowedValues":[{"id":"1","name":"High"},{"id":"3","name":"Low"}]},
{"fieldId":"assignee","name":"Assignee","required":false,"schema":{"type":"user","system":"assignee"}},
{"fieldId":"duedate","name":"Due date","required":true,"schema":{"type":"date","system":"duedate"}},
{"fieldId":"environment","name":"Environment","required":true,"schema":{"type":"string","system":"environment"}},
{"fieldId":"components","name":"Components","required":true,"schema":{"type":"array","items":"component","system":"components"},"allowedValues":[{"id":"7","name":"Web"},{"id":"8","name":"API, public"}]},
{"fieldId":"customfield_1","name":"Team name","required":true,"schema":{"type":"string","custom":"com.atlassian.jira.plugin.system.customfieldtypes:textfield"}},
{"fieldId":"customfield_2","name":"Reason","required":true,"schema":{"type":"string","custom":"com.atlassian.jira.plugin.system.customfieldtypes:textarea"}},
{"fieldId":"customfield_3","name":"Cost","required":true,"schema":{"type":"number","custom":"com.atlassian.jira.plugin.system.customfieldtypes:float"}},
{"fieldId":"customfield_4","name":"Seen at","required":true,"schema":{"type":"datetime","custom":"com.atlassian.jira.plugin.system.customfieldtypes:datetime"}},
{"fieldId":"customfield_5","name":"Area","required":true,"schema":{"type":"option","custom":"com.atlassian.jira.plugin.system.customfieldtypes:select"},"allowedValues":[{"id":"10","value":"Sales"},{"id":"11","value":"Support"}]},
{"fieldId":"customfield_6","name":"Regions","required":true,"schema":{"type":"array","items":"option","custom":"com.atlassian.jira.plugin.system.customfieldtypes:multiselect"},"allowedValues":[{"id":"20","value":"EU"},{"id":"21","value":"US"}]},
{"fieldId":"customfield_7","name":"Product","required":true,"schema":{"type":"option-with-child","custom":"com.atlassian.jira.plugin.system.customfieldtypes:cascadingselect"},"allowedValues":[{"id":"30","value":"Hub","children":[{"id":"31","value":"Server"}]}]},
{"fieldId":"customfield_8","name":"Approver","required":true,"schema":{"type":"user","custom":"com.atlassian.jira.plugin.system.customfieldtypes:userpicker"}},
{"fieldId":"customfield_9","name":"Approvers","required":true,"schema":{"type":"array","items":"user","custom":"com.atlassian.jira.plugin.system.customfieldtypes:multiuserpicker"}},
{"fieldId":"customfield_10","name":"Tags","required":true,"schema":{"type":"array","items":"string","custom":"com.atlassian.jira.plugin.system.customfieldtypes:labels"}},
{"fieldId":"customfield_11","name":"Group","required":true,"schema":{"type":"group","custom":"com.atlassian.jira.plugin.system.customfieldtypes:grouppicker"}},
{"fieldId":"customfield_12","name":"Sprint","required":true,"schema":{"type":"array","items":"json","custom":"com.pyxis.greenhopper.jira:gh-sprint"}},
{"fieldId":"customfield_13","name":"Asset","required":true,"schema":{"type":"any","custom":"com.atlassian.jira.plugins.cmdb:cmdb-object-cftype"}},
{"fieldId":"customfield_14","name":"Filled in","required":true,"hasDefaultValue":true,"schema":{"type":"string"}},
{"fieldId":"customfield_15","name":"Optional","required":false,"schema":{"type":"string"}}
]`

func fields(t *testing.T) []jirafield.Field {
	t.Helper()
	var all []jirafield.Field
	if err := json.Unmarshal([]byte(screen), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestForm(t *testing.T) {
	t.Parallel()
	form, unsupported := jirafield.Split(fields(t))
	if diff := cmp.Diff([]string{"Sprint", "Asset"}, unsupported); diff != "" {
		t.Errorf("unsupported (-want +got):\n%s", diff)
	}
	var got []action.Field
	for _, f := range form {
		got = append(got, f.Form())
	}
	const several = "Several are separated by commas."
	want := []action.Field{
		{Name: "duedate", Label: "Due date", Type: action.String, Required: true, Description: "A date, such as 2026-11-26."},
		{Name: "environment", Label: "Environment", Type: action.Textarea, Required: true},
		{Name: "components", Label: "Components", Type: action.String, Required: true, Description: several + " Possible values: Web, API, public."},
		{Name: "customfield_1", Label: "Team name", Type: action.String, Required: true},
		{Name: "customfield_2", Label: "Reason", Type: action.Textarea, Required: true},
		{Name: "customfield_3", Label: "Cost", Type: action.String, Required: true, Description: "A number."},
		{Name: "customfield_4", Label: "Seen at", Type: action.String, Required: true, Description: "A time, such as 2026-11-26T15:04:05Z."},
		{
			Name: "customfield_5", Label: "Area", Type: action.Select, Required: true,
			Options: []action.Option{{Name: "10", Label: "Sales"}, {Name: "11", Label: "Support"}},
		},
		{Name: "customfield_6", Label: "Regions", Type: action.String, Required: true, Description: several + " Possible values: EU, US."},
		{
			Name: "customfield_7", Label: "Product", Type: action.Select, Required: true,
			Options: []action.Option{{Name: "30", Label: "Hub"}, {Name: "30:31", Label: "Hub / Server"}},
		},
		{Name: "customfield_8", Label: "Approver", Type: action.String, Required: true, Description: "The user's e-mail address, name or ID."},
		{
			Name: "customfield_9", Label: "Approvers", Type: action.String, Required: true,
			Description: "The users' e-mail addresses, names or IDs, separated by commas.",
		},
		{Name: "customfield_10", Label: "Tags", Type: action.String, Required: true, Description: "Several are separated by commas or spaces."},
		{Name: "customfield_11", Label: "Group", Type: action.String, Required: true, Description: "The group's name."},
		{Name: "labels", Label: "Labels", Type: action.String, Description: "Several are separated by commas or spaces."},
		{
			Name: "priority", Label: "Priority", Type: action.Select,
			Options: []action.Option{{Name: "1", Label: "High"}, {Name: "3", Label: "Low"}},
		},
		{Name: "assignee", Label: "Assignee", Type: action.String, Description: "The user's e-mail address, name or ID."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

// A list of many values is not a description.
func TestManyValues(t *testing.T) {
	t.Parallel()
	f := jirafield.Field{ID: "components", Schema: jirafield.Schema{Type: "array", Items: "component"}}
	for range 100 {
		f.Allowed = append(f.Allowed, jirafield.Value{Name: "x"})
	}
	if got := f.Form().Description; !strings.HasSuffix(got, ", ….") || len(got) > 200 {
		t.Errorf("description %q", got)
	}
}

// site is a Jira whose users have the ID of their name.
type site struct{ cloud bool }

func (s site) Cloud() bool { return s.cloud }

func (site) User(_ context.Context, text string, _ bool) (any, error) {
	if text == "gone" {
		return nil, errors.New("does not exist")
	}
	return map[string]string{"accountId": text}, nil
}

func TestParse(t *testing.T) {
	t.Parallel()
	byName := map[string]jirafield.Field{}
	for _, f := range fields(t) {
		byName[f.ID] = f
	}
	for _, tt := range []struct {
		field, text string
		onPremises  bool
		want        string
		message     string
	}{
		{field: "priority", text: "3", want: `{"id":"3"}`},
		{field: "priority", text: " high ", want: `{"id":"1"}`},
		{field: "priority", text: "Urgent", message: `does not have the value "Urgent"`},
		{field: "labels", text: "a, b c;d\ne", want: `["a","b","c","d","e"]`},
		{field: "assignee", text: " ann@example.com\u200b", want: `{"accountId":"ann@example.com"}`},
		{field: "assignee", text: "gone", message: "does not exist"},
		{field: "duedate", text: "2026-11-26", want: `"2026-11-26"`},
		{field: "duedate", text: "26.11.2026", message: "must be a date such as 2026-11-26"},
		{field: "environment", text: "a <b>", want: `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"a \u003cb\u003e"}]}]}`},
		{field: "environment", text: "a", onPremises: true, want: `"a"`},
		{field: "components", text: "web, 8", want: `[{"id":"7"},{"id":"8"}]`},
		{field: "components", text: "API, public", want: `[{"id":"8"}]`},
		{field: "components", text: "Web, none", message: `does not have the value "none"`},
		{field: "customfield_1", text: "Blue, green", want: `"Blue, green"`},
		{field: "customfield_3", text: "12.50", want: `12.50`},
		{field: "customfield_3", text: "-1e3", want: `-1e3`},
		{field: "customfield_3", text: "1,5", message: "must be a number such as 12.5"},
		{field: "customfield_3", text: "NaN", message: "must be a number such as 12.5"},
		{field: "customfield_3", text: "0x10", message: "must be a number such as 12.5"},
		{field: "customfield_4", text: "2026-11-26T15:04:05+01:00", want: `"2026-11-26T15:04:05.000+0100"`},
		{field: "customfield_4", text: "2026-11-26 15:04", want: `"2026-11-26T15:04:00.000+0000"`},
		{field: "customfield_4", text: "noon", message: "must be a time such as 2026-11-26T15:04:05Z"},
		{field: "customfield_5", text: "11", want: `{"id":"11"}`},
		{field: "customfield_6", text: "EU,us, EU", want: `[{"id":"20"},{"id":"21"}]`},
		{field: "customfield_7", text: "30:31", want: `{"id":"30","child":{"id":"31"}}`},
		{field: "customfield_7", text: "30", want: `{"id":"30"}`},
		{field: "customfield_9", text: "ann, bob", want: `[{"accountId":"ann"},{"accountId":"bob"}]`},
		{field: "customfield_10", text: "a b", want: `["a","b"]`},
		{field: "customfield_11", text: "admins", want: `{"name":"admins"}`},
		{field: "customfield_12", text: "1", message: "cannot be set by the hub"},
	} {
		t.Run(tt.field+" "+tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := byName[tt.field].Parse(t.Context(), site{!tt.onPremises}, tt.text)
			if tt.message != "" {
				if err == nil || err.Error() != tt.message {
					t.Errorf("error %v, want %q", err, tt.message)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(text)); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}
