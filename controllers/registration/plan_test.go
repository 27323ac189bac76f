package registration

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/oapi-codegen/nullable"
	"k8s.io/apimachinery/pkg/types"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/hub/looker/api"
)

// observed is an integration in Looker with a parameter of each kind.
func observed() api.Integration {
	param := func(name string, hasValue bool, change func(*api.IntegrationParam)) api.IntegrationParam {
		p := api.IntegrationParam{Name: &name, HasValue: &hasValue, Required: new(false), Sensitive: new(false), PerUser: new(false)}
		if change != nil {
			change(&p)
		}
		return p
	}
	return api.Integration{
		ID: new("7::slack"), Enabled: new(true), InstalledDelegateOauthTargets: []string{"T1", "T2"},
		Params: []api.IntegrationParam{
			param("domain", true, func(p *api.IntegrationParam) { p.Value = new("example.com") }),
			param("key", true, func(p *api.IntegrationParam) { p.Sensitive, p.Required = nil, new(true) }),
			param("team", true, func(p *api.IntegrationParam) { p.UserAttributeName = nullable.NewNullableWithValue("team") }),
			param("login", false, func(p *api.IntegrationParam) { p.PerUser = new(true) }),
		},
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	const written, changed = "written", "changed"
	value := func(name, v string) v1alpha1.IntegrationParam {
		return v1alpha1.IntegrationParam{Name: name, Value: &v}
	}
	attribute := func(name, a string) v1alpha1.IntegrationParam {
		return v1alpha1.IntegrationParam{Name: name, UserAttribute: a}
	}
	for _, tt := range []struct {
		name   string
		want   v1alpha1.RegisteredIntegration
		digest string
		have   func(*api.Integration)
		prune  bool

		fields []string
		// change is what is sent; "" is nothing.
		change  string
		problem string
	}{
		{name: "nothing is listed"},
		{name: "everything is as listed", want: v1alpha1.RegisteredIntegration{
			Enabled: new(true), DelegateOAuthTargets: []string{"T2", "T1"},
			Params: []v1alpha1.IntegrationParam{value("domain", "example.com"), value("key", "secret"), attribute("team", "team")},
		}},
		{
			name: "enabled", want: v1alpha1.RegisteredIntegration{Enabled: new(false)},
			fields: []string{"enabled"}, change: `{"enabled":false}`,
		},
		{
			name: "targets", want: v1alpha1.RegisteredIntegration{DelegateOAuthTargets: []string{"T3"}},
			fields: []string{"delegateOAuthTargets"}, change: `{"installed_delegate_oauth_targets":["T3"]}`,
		},
		{
			name: "a value", want: v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{value("domain", "example.org")}},
			fields: []string{"params[domain]"},
			change: `{"params":[{"name":"domain","user_attribute_name":null,"value":"example.org"},{"name":"key"},{"name":"team","user_attribute_name":"team"},{"name":"login"}]}`,
		},
		{
			name: "a sensitive value after a change", digest: changed,
			want:   v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{value("key", "secret")}},
			fields: []string{"params[key]"},
			change: `{"params":[{"name":"domain"},{"name":"key","user_attribute_name":null,"value":"secret"},{"name":"team","user_attribute_name":"team"},{"name":"login"}]}`,
		},
		{
			name: "a sensitive value that was cleared in Looker", have: func(i *api.Integration) { i.Params[1].HasValue = new(false) },
			want:   v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{value("key", "secret")}},
			fields: []string{"params[key]"},
			change: `{"params":[{"name":"domain"},{"name":"key","user_attribute_name":null,"value":"secret"},{"name":"team","user_attribute_name":"team"},{"name":"login"}]}`,
		},
		{
			name: "another user attribute", want: v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{attribute("team", "region")}},
			fields: []string{"params[team]"},
			change: `{"params":[{"name":"domain"},{"name":"key"},{"name":"team","user_attribute_name":"region"},{"name":"login"}]}`,
		},
		{
			name: "a value in place of a user attribute", want: v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{value("team", "A")}},
			fields: []string{"params[team]"},
			change: `{"params":[{"name":"domain"},{"name":"key"},{"name":"team","user_attribute_name":null,"value":"A"},{"name":"login"}]}`,
		},
		{
			name: "an empty value clears", want: v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{value("domain", "")}},
			fields: []string{"params[domain]"},
			change: `{"params":[{"name":"domain","user_attribute_name":null,"value":""},{"name":"key"},{"name":"team","user_attribute_name":"team"},{"name":"login"}]}`,
		},
		{
			name: "an empty value that is cleared already", have: func(i *api.Integration) { i.Params[0].HasValue, i.Params[0].Value = new(false), nil },
			want: v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{value("domain", "")}},
		},
		{
			name: "prune clears what is not listed", prune: true,
			want:   v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{value("key", "secret")}},
			fields: []string{"params[domain]", "params[team]"},
			change: `{"params":[{"name":"domain","user_attribute_name":null,"value":""},{"name":"key"},{"name":"team","user_attribute_name":null,"value":""},{"name":"login"}]}`,
		},
		{
			name: "an unknown parameter", want: v1alpha1.RegisteredIntegration{Enabled: new(false), Params: []v1alpha1.IntegrationParam{value("domian", "x")}},
			problem: "does not have the parameters domian",
		},
		{
			name: "a required parameter without a value", have: func(i *api.Integration) { i.Params[1].HasValue = new(false) },
			want:    v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{value("domain", "example.org")}},
			problem: "required parameters key have no value",
		},
		{
			name: "a required parameter that would be pruned", prune: true, want: v1alpha1.RegisteredIntegration{},
			problem: "required parameters key have no value",
		},
		{
			name: "a disabled integration needs no required parameter", have: func(i *api.Integration) { i.Params[1].HasValue = new(false) },
			want: v1alpha1.RegisteredIntegration{Enabled: new(false)}, fields: []string{"enabled"}, change: `{"enabled":false}`,
		},
		{
			name: "one value for a parameter that each user has", want: v1alpha1.RegisteredIntegration{Params: []v1alpha1.IntegrationParam{value("login", "x")}},
			problem: "Set userAttribute",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			have := observed()
			if tt.have != nil {
				tt.have(&have)
			}
			want := wantedIntegration{RegisteredIntegration: tt.want, values: map[string]string{}, digest: written}
			if tt.digest != "" {
				want.digest = tt.digest
			}
			for _, p := range tt.want.Params {
				if p.Value != nil {
					want.values[p.Name] = *p.Value
				}
			}
			p := newPlan(want, have, written, tt.prune)
			if diff := cmp.Diff(tt.fields, p.fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if !strings.Contains(p.problem, tt.problem) || (tt.problem == "") != (p.problem == "") {
				t.Errorf("problem %q, want %q", p.problem, tt.problem)
			}
			got := ""
			if p.change != nil {
				text, err := json.Marshal(p.change)
				if err != nil {
					t.Fatal(err)
				}
				got = string(text)
			}
			if diff := cmp.Diff(tt.change, got); diff != "" {
				t.Errorf("change (-want +got):\n%s", diff)
			}
		})
	}
}

// What is in the status reveals no value: it depends on the API key, and on the object.
func TestSettingsDigest(t *testing.T) {
	t.Parallel()
	digest := func(key string, uid types.UID, value string) string {
		integration := v1alpha1.RegisteredIntegration{Name: "a", Params: []v1alpha1.IntegrationParam{{Name: "p"}}}
		d, err := settingsDigest(key, uid, integration, map[string]string{"p": value})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	base := digest("key", "1", "value")
	for name, other := range map[string]string{"value": digest("key", "1", "another"), "key": digest("another", "1", "value"), "object": digest("key", "2", "value")} {
		if other == base {
			t.Errorf("the digest does not depend on the %s", name)
		}
	}
	if again := digest("key", "1", "value"); again != base {
		t.Error("the digest of the same settings differs")
	}
}

func TestFindHub(t *testing.T) {
	t.Parallel()
	hub := func(id, url string) api.IntegrationHub { return api.IntegrationHub{ID: &id, URL: &url} }
	known := record{hubID: "5", hubURL: "https://old.example.com"}
	const target = "https://hub.example.com"
	for _, tt := range []struct {
		name       string
		hubs       []api.IntegrationHub
		known      record
		own, moved string
		others     int
	}{
		{name: "none"},
		{name: "another hub", hubs: []api.IntegrationHub{hub("1", "https://actions.looker.com")}},
		{name: "the URL", hubs: []api.IntegrationHub{hub("1", target)}, others: 1},
		{name: "the URL in another spelling", hubs: []api.IntegrationHub{hub("1", "HTTPS://Hub.example.com:443/")}, others: 1},
		{name: "the URL with a path", hubs: []api.IntegrationHub{hub("1", target+"/hub")}},
		{name: "twice", hubs: []api.IntegrationHub{hub("1", target), hub("2", target)}, others: 2},
		{name: "a hub that was being created with a previous URL", known: record{pendingHubURL: "https://old.example.com"}, hubs: []api.IntegrationHub{hub("5", "https://old.example.com")}, others: 1},
		{name: "the known hub", known: known, hubs: []api.IntegrationHub{hub("5", target)}, own: "5"},
		{name: "the known hub with its previous URL", known: known, hubs: []api.IntegrationHub{hub("5", "https://old.example.com/")}, own: "5"},
		{name: "another hub has the known ID", known: known, hubs: []api.IntegrationHub{hub("5", "https://evil.example.com")}, moved: "5"},
		{name: "the known hub and another one with the URL", known: known, hubs: []api.IntegrationHub{hub("5", target), hub("6", target)}, own: "5", others: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := findHub(tt.hubs, tt.known, target)
			id := func(h *api.IntegrationHub) string {
				if h == nil {
					return ""
				}
				return *h.ID
			}
			if id(m.own) != tt.own || id(m.moved) != tt.moved || len(m.others) != tt.others {
				t.Errorf("own %q, moved %q, %d others", id(m.own), id(m.moved), len(m.others))
			}
		})
	}
}
