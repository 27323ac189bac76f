package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// kubectl takes a name for a category first: "kubectl get integrationhub actions" fails if that is also a
// category of two kinds.
func TestCategoriesAreNoKinds(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("crd", "bases", "*.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d CRDs: %v", len(files), err)
	}
	var kinds, categories []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(text, crd); err != nil {
			t.Fatal(err)
		}
		names := crd.Spec.Names
		kinds = append(append(kinds, names.Plural, names.Singular), names.ShortNames...)
		categories = append(categories, names.Categories...)
	}
	for _, category := range categories {
		if slices.Contains(kinds, category) {
			t.Errorf("the category %s is also a name of a kind", category)
		}
	}
}
