package charts_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/controllers/controllertest"
)

// TestServer: a real API server accepts whatever the chart renders, and knows its every field.
func TestServer(t *testing.T) {
	t.Parallel()
	optional, err := controllertest.OptionalCRDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	env := controllertest.Environment(append(optional, filepath.Join("..", "config", "crd", "bases"))...)
	config, err := env.Start()
	if err != nil {
		t.Fatal("starting an API server (make test-unit builds it): ", err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	api, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"system", "looker", "finance", "grafana"} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := api.Create(t.Context(), ns); err != nil {
			t.Fatal(err)
		}
	}
	api = client.WithFieldValidation(client.NewDryRunClient(api), metav1.FieldValidationStrict)
	files, err := filepath.Glob(filepath.Join(chart, "tests", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no values to render: %v", err)
	}
	for _, values := range files {
		rendered, errs, err := render(t, "--values", values)
		if err != nil {
			t.Fatalf("%s: %v\n%s", values, err, errs)
		}
		for _, o := range objects(t, rendered) {
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

func objects(t *testing.T, rendered string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewBufferString(rendered), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		switch {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		case len(o.Object) > 0:
			all = append(all, o)
		}
	}
}
