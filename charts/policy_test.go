package charts_test

import (
	"os"
	"path/filepath"
	"testing"

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
		if rules := p.For("looker"); rules.AnyPodTemplate == nil || !*rules.AnyPodTemplate || len(rules.Hosts) != 1 || len(rules.Issuers) != 1 {
			t.Errorf("rules %+v", rules)
		}
		if rules := p.For("other"); rules.Hosts == nil || len(rules.Hosts) > 0 {
			t.Errorf("an empty list of hosts became %#v", rules.Hosts)
		}
		return
	}
	t.Error("the chart renders no policy")
}
