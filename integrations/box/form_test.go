package box_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

func TestForm(t *testing.T) {
	t.Parallel()
	topmost := []action.Option{{Name: "0", Label: "All Files"}, {Name: "13", Label: "All Files / archive"}, {Name: "11", Label: "All Files / Reports"}}
	for name, tt := range map[string]struct {
		folder string
		want   []action.Option
	}{
		"first":    {"", topmost},
		"the top":  {"0", topmost},
		"a folder": {"11", []action.Option{{Name: "0", Label: "All Files"}, {Name: "11", Label: "All Files / Reports"}, {Name: "12", Label: "All Files / Reports / 2026"}}},
		"deleted":  {"77", topmost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := resolved(t, newFake(t).Destination).Form.Form(t.Context(), request(expired, map[string]string{"folder": tt.folder}))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, field := range form.Fields {
				names = append(names, field.Name)
			}
			if diff := cmp.Diff([]string{"folder", "filename", "overwrite", "compression", "time_zone", "byte_order_mark", "pgp_public_keys", "pgp_format"}, names); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, form.Fields[0].Options); diff != "" {
				t.Errorf("folders (-want +got):\n%s", diff)
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
			form, err := resolved(t, newFake(t).Destination).Form.Form(t.Context(), request(state, nil))
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
	if _, err := resolved(t, f.Destination).Form.Form(t.Context(), request(fresh, nil)); action.KindOf(err) != action.Unavailable {
		t.Errorf("error %v", err)
	}
}
