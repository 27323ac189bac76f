package charts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/controllertest"
	"integrationhub.dev/controllers/defaults"
	"integrationhub.dev/controllers/policy"
)

// The manager reads the defaults that the chart renders.
func TestDefaults(t *testing.T) {
	t.Parallel()
	file := renderedFile(t, "hub-integration-hub-defaults", "defaults.yaml")
	d, err := defaults.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	want := defaults.Values{
		Resources:        &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("3Gi")}},
		ImagePullSecrets: []v1alpha1.SecretRef{{Name: "registry"}},
		NodeSelector:     map[string]v1alpha1.LabelValue{"pool": "looker"},
		PodTemplate:      &runtime.RawExtension{Raw: []byte(`{"metadata":{"labels":{"cost-center":"42"}}}`)},
	}
	if diff := cmp.Diff(want, d.For("looker")); diff != "" {
		t.Errorf("defaults of looker (-want +got):\n%s", diff)
	}
}

// renderedFile writes a key of a rendered ConfigMap to a file.
func renderedFile(t *testing.T, name, key string) string {
	t.Helper()
	rendered, errs, err := render(t, "--values", filepath.Join(chart, "tests", "everything.yaml"))
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	for _, o := range controllertest.Objects(t, rendered) {
		if o.GetKind() != "ConfigMap" || o.GetName() != name {
			continue
		}
		data, _ := o.Object["data"].(map[string]any)
		text, _ := data[key].(string)
		file := filepath.Join(t.TempDir(), key)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	t.Fatalf("the chart renders no ConfigMap %s", name)
	return ""
}

// The manager reads the policy that the chart renders.
func TestPolicy(t *testing.T) {
	t.Parallel()
	p, err := policy.Load(renderedFile(t, "hub-integration-hub-policy", "policy.yaml"))
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
}
