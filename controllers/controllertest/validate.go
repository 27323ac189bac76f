package controllertest

import (
	"errors"
	"io"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// DryRunClient returns a client that validates objects against a real API server with strict field
// validation, and writes nothing. hubCRDs is the folder of the IntegrationHub's CRD.
func DryRunClient(t *testing.T, hubCRDs string, namespaces ...string) client.Client {
	t.Helper()
	NeedPrograms(t, APIServer...)
	crds, err := OptionalCRDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	env := Environment(append(crds, hubCRDs)...)
	config, err := env.Start()
	if err != nil {
		t.Fatal("starting an API server: ", err)
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
	for _, name := range namespaces {
		if err := api.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	return client.WithFieldValidation(client.NewDryRunClient(api), metav1.FieldValidationStrict)
}

// Objects decodes a stream of YAML documents.
func Objects(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
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
