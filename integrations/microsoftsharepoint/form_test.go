package microsoftsharepoint_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

// offered are the names of a form's fields, and what those before the filename offer.
func offered(form *action.Form) (names []string, choices map[string][]string) {
	choices = map[string][]string{}
	for _, field := range form.Fields {
		names = append(names, field.Name)
		for _, o := range field.Options {
			if field.Name == "site" || field.Name == "library" || field.Name == "folder" {
				choices[field.Name] = append(choices[field.Name], o.Name+"="+o.Label)
			}
		}
	}
	return names, choices
}

func TestForm(t *testing.T) {
	t.Parallel()
	own := []string{"site", "siteurl", "folder", "filename", "overwrite", "compression", "time_zone", "byte_order_mark", "pgp_public_keys", "pgp_format"}
	site := []string{"site", "siteurl", "library", "folder", "filename", "overwrite", "compression", "time_zone", "byte_order_mark", "pgp_public_keys", "pgp_format"}
	sites := []string{"onedrive=My OneDrive", "contoso,1,2=finance", "contoso,3,4=People"}
	libraries := []string{"archive=Archive", "docs=Documents"}
	type choices = map[string][]string
	for name, tt := range map[string]struct {
		form    map[string]string
		fields  []string
		choices choices
	}{
		"first":          {map[string]string{"site": "", "folder": ""}, own, choices{"site": sites, "folder": {"/=Top of the library", "/Reports=/Reports"}}},
		"a folder":       {nil, own, choices{"site": sites, "folder": {"/=Top of the library", "/Reports=/Reports", "/Reports/2026=/Reports/2026"}}},
		"a site":         {map[string]string{"site": "contoso,1,2", "folder": ""}, site, choices{"site": sites, "library": libraries, "folder": {"/=Top of the library"}}},
		"a library":      {map[string]string{"site": "contoso,1,2", "library": "docs", "folder": "/Sales"}, site, choices{"site": sites, "library": libraries, "folder": {"/=Top of the library", "/Sales=/Sales", "/Sales/EMEA=/Sales/EMEA"}}},
		"another site's": {map[string]string{"site": "contoso,1,2", "library": "gone", "folder": "/gone"}, site, choices{"site": sites, "library": libraries, "folder": {"/=Top of the library"}}},
		"a site's URL":   {map[string]string{"siteurl": "https://contoso.sharepoint.com/sites/hidden", "library": "docs", "folder": ""}, site, choices{"site": sites, "library": libraries, "folder": {"/=Top of the library", "/Sales=/Sales"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := resolved(t, newFake(t).Destination, nil).Form.Form(t.Context(), request(expired, tt.form))
			if err != nil {
				t.Fatal(err)
			}
			fields, got := offered(form)
			if diff := cmp.Diff(tt.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.choices, got); diff != "" {
				t.Errorf("choices (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(&action.State{Data: renewed}, form.State); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormAsksForLogin(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"never": "", "reset": "reset", "gone": gone, "no refresh token": `{"access_token":"a1"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := resolved(t, newFake(t).Destination, nil).Form.Form(t.Context(), request(state, nil))
			if err != nil {
				t.Fatal(err)
			}
			if len(form.Fields) != 1 || form.Fields[0].OAuthURL != "https://hub/login" {
				t.Errorf("fields %+v", form.Fields)
			}
		})
	}
}

func TestFormFails(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.before = func(string, int) *actiontest.Reply { return &actiontest.Reply{Status: http.StatusServiceUnavailable} }
	if _, err := resolved(t, f.Destination, nil).Form.Form(t.Context(), request(fresh, nil)); action.KindOf(err) != action.Unavailable {
		t.Errorf("error %v", err)
	}
}

// An account without SharePoint has its OneDrive.
func TestFormWithoutSharePoint(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.before = func(what string, _ int) *actiontest.Reply {
		if what != "sites" {
			return nil
		}
		reply := refusal(http.StatusBadRequest, "BadRequest", "Tenant does not have a SPO license.")
		return &reply
	}
	form, err := resolved(t, f.Destination, nil).Form.Form(t.Context(), request(fresh, nil))
	if err != nil {
		t.Fatal(err)
	}
	_, got := offered(form)
	if diff := cmp.Diff([]string{"onedrive=My OneDrive"}, got["site"]); diff != "" {
		t.Errorf("sites (-want +got):\n%s", diff)
	}
}
