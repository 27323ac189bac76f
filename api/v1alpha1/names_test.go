package v1alpha1_test

import (
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"integrationhub.dev/integrations"
)

// The CRD refuses names of integrations that the hub does not contain, so both lists must be
// the same.
func TestIntegrationNames(t *testing.T) {
	t.Parallel()
	spec := schema(t, "integrationhubs").Properties["spec"]
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
