package charts_test

import (
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/controllers/controllertest"
)

// TestServer: a real API server accepts whatever the chart renders, and knows its every field.
func TestServer(t *testing.T) {
	t.Parallel()
	api := controllertest.DryRunClient(t, filepath.Join("..", "config", "crd", "bases"), "system", "looker", "finance", "grafana")
	files, err := filepath.Glob(filepath.Join(chart, "tests", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no values to render: %v", err)
	}
	for _, values := range files {
		rendered, errs, err := render(t, "--values", values)
		if err != nil {
			t.Fatalf("%s: %v\n%s", values, err, errs)
		}
		for _, o := range controllertest.Objects(t, rendered) {
			if o.GetNamespace() == "" && o.GetKind() == "ConfigMap" {
				o.SetNamespace("system") // as helm install does
			}
			err := api.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("helm"), client.ForceOwnership)
			if err != nil {
				t.Errorf("%s: %s %s: %v", values, o.GetKind(), o.GetName(), err)
			}
		}
	}
}
