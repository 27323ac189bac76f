package v1alpha1_test

import (
	"os"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/integrations"
)

// The CRD refuses names of integrations that the hub does not contain, so both lists must be
// the same.
func TestIntegrationNames(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../config/crd/bases/hub.integrationhub.dev_integrationhubs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	var accepted []string
	for _, v := range spec.Properties["integrations"].Items.Schema.Properties["name"].Enum {
		var name string
		if err := yaml.Unmarshal(v.Raw, &name); err != nil {
			t.Fatal(err)
		}
		accepted = append(accepted, name)
	}
	var contained []string
	for _, e := range integrations.All() {
		contained = append(contained, e.Name)
	}
	if !slices.Equal(accepted, contained) {
		t.Errorf("the CRD accepts %q, the hub contains %q", accepted, contained)
	}
}
