package charts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/controllers/controllertest"
	"integrationhub.dev/controllers/policy"
)

// The manager reads the policy that the chart renders.
func TestPolicy(t *testing.T) {
	t.Parallel()
	rendered, errs, err := render(t, "--values", filepath.Join(chart, "tests", "everything.yaml"))
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	for _, o := range controllertest.Objects(t, rendered) {
		if o.GetKind() != "ConfigMap" || o.GetName() != "hub-integration-hub-policy" {
			continue
		}
		data, _ := o.Object["data"].(map[string]any)
		text, _ := data["policy.yaml"].(string)
		file := filepath.Join(t.TempDir(), "policy.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := policy.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		other := policy.Rules{
			Hosts:         []string{}, // empty, not omitted: no host is allowed
			Issuers:       []policy.Issuer{{Name: "letsencrypt", Kind: "ClusterIssuer"}},
			ImagePrefixes: []string{"registry.example.com/hubs"},
		}
		looker := other
		looker.AnyPodTemplate, looker.Hosts = new(true), []string{"*.looker.example.com"}
		for namespace, want := range map[string]policy.Rules{"looker": looker, "other": other} {
			if diff := cmp.Diff(want, p.For(namespace)); diff != "" {
				t.Errorf("rules of %s (-want +got):\n%s", namespace, diff)
			}
		}
		return
	}
	t.Error("the chart renders no policy")
}
