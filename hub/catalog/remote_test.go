package catalog_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
)

// Other hubs' integrations come after the hub's own, with this hub's URLs; a name that is taken is refused.
func TestRemote(t *testing.T) {
	t.Parallel()
	c, err := catalog.New([]action.Registration{registration("own", named("own"), nil)}, config.Config{BaseURL: "https://hub.example.com"},
		action.Deps{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	remote := func(upstream, name string) catalog.Remote {
		return catalog.Remote{
			Upstream: upstream, Name: name, Definition: action.Definition{Name: name, Types: []action.Type{action.TypeQuery}, FetchTokens: true},
			HasForm: true, SignsIn: true,
		}
	}
	all := []catalog.Remote{remote("one", "own"), remote("one", "custom_a"), remote("one", "Both"), remote("two", "both")}
	c.SetRemote(all)
	if diff := cmp.Diff([]string{"own", "custom_a", "Both"}, c.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	own := catalog.Refusal{Upstream: "one", Name: "own", Reason: "The name is already used by an integration of this hub. Set a prefix."}
	both := catalog.Refusal{Upstream: "two", Name: "both", Reason: "The name is already used by an integration of the upstream one. Set a prefix."}
	if diff := cmp.Diff([]catalog.Refusal{own, both}, c.Refused()); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	e, ok := c.Find("both", action.V(25, 0, 0))
	if !ok || e.Remote == nil || e.Remote.Name != "Both" || e.Remote.Upstream != "one" {
		t.Fatalf("found %+v", e)
	}
	var got map[string]any
	if err := json.Unmarshal(e.DefinitionJSON(action.Version{}), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"url": "https://hub.example.com/actions/Both/execute", "form_url": "https://hub.example.com/actions/Both/form",
		"token_url": "https://hub.example.com/actions/Both/oauth_token", "uses_oauth": true, "delegate_oauth": false,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	c.SetCustom([]catalog.Custom{{Resolved: action.Resolve(named("custom_a"))}})
	if e, _ := c.Find("custom_a", action.Version{}); e.Remote != nil {
		t.Error("another hub's integration takes precedence over one without code")
	}
	if len(c.Refused()) != 3 {
		t.Errorf("refused after a new integration without code: %v", c.Refused())
	}
	c.SetRemote(nil)
	if diff := cmp.Diff([]string{"own", "custom_a"}, c.Names()); diff != "" {
		t.Errorf("names without the other hubs (-want +got):\n%s", diff)
	}
}
