package controllers_test

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
)

// Every sample is accepted by the API server, with no field that it does not know.
func TestSamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../config/samples/more/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d samples: %v", len(files), err)
	}
	for _, file := range append(files, "../config/samples/integrationhub.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			h := &v1alpha1.IntegrationHub{}
			if err := yaml.UnmarshalStrict(text, h); err != nil {
				t.Fatal(err)
			}
			f := newFixture(t)
			h.Namespace = f.namespace
			f.create(h)
		})
	}
}
