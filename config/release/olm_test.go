package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
)

// checkBundle asks the Operator Framework's own validators, those of OperatorHub.io among them.
func checkBundle(t *testing.T, dir string) {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(dir, "bundle_v1.2.3.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	members, err := readTarGzip(packed)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, m := range members {
		file := filepath.Join(folder, m.name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, m.content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bundle, err := manifests.GetBundleFromDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if bundle.CSV == nil || len(bundle.V1CRDs) < 2 || bundle.Package != "integration-hub" {
		t.Fatalf("the bundle has %d CRDs and the package %q", len(bundle.V1CRDs), bundle.Package)
	}
	if deployments := bundle.CSV.Spec.InstallStrategy.StrategySpec.DeploymentSpecs; len(deployments) != 1 ||
		!bytes.Contains([]byte(deployments[0].Spec.Template.Spec.Containers[0].Image), []byte("/manager@sha256:")) {
		t.Errorf("the bundle installs %+v", deployments)
	}
	// The validator of architectures is left out: it pulls the images with Docker.
	objects := bundle.ObjectsToValidate()
	objects = append(objects, bundle)
	results := validation.DefaultBundleValidators.WithValidators(validation.OperatorHubV2Validator, validation.StandardCapabilitiesValidator,
		validation.StandardCategoriesValidator, validation.GoodPracticesValidator).Validate(objects...)
	for _, result := range results {
		for _, e := range append(result.Errors, result.Warnings...) {
			t.Errorf("%s: %v", result.Name, e)
		}
	}
	if len(results) < 5 {
		t.Errorf("%d validators ran, want at least 5", len(results))
	}
}
