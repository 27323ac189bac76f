// Package argocd_test checks the operator's kinds with Argo CD's own engine.
package argocd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Argo CD sees no difference between a sample and what the API server stores of it.
func TestSamplesAreInSync(t *testing.T) {
	t.Parallel()
	schemas := schemas(t)
	compared := map[string]int{}
	for _, desired := range manifests(t) {
		schema := schemas[desired.GetKind()]
		if schema == nil {
			continue
		}
		compared[desired.GetKind()]++
		t.Run(desired.GetKind()+" "+desired.GetName(), func(t *testing.T) {
			t.Parallel()
			clientSide := stored(t, schema, desired)
			serverSide := clientSide.DeepCopy()
			serverSide.SetAnnotations(desired.GetAnnotations()) // nothing of kubectl apply: two-way comparison
			for how, live := range map[string]*unstructured.Unstructured{"client-side": clientSide, "server-side": serverSide} {
				result, err := diff.Diff(desired, live)
				if err != nil {
					t.Fatal(err)
				}
				if result.Modified {
					t.Errorf("after %s apply, Argo CD reports a difference:\ndesired: %s\nlive: %s", how, result.PredictedLive, result.NormalizedLive)
				}
			}
		})
	}
	for kind := range schemas {
		if compared[kind] < 2 {
			t.Errorf("%d samples of %s were compared, want at least 2", compared[kind], kind)
		}
	}
}

// manifests are the objects of the samples, the examples and the end-to-end test's registration, and the hubs
// of the resources' tests, which use every field.
func manifests(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for _, pattern := range []string{
		"../samples/*.yaml", "../samples/more/*.yaml", "../../hub/custom/examples/*.yaml",
		"../local/e2e/registration.yaml", "../../controllers/resources/testdata/*/hub.yaml",
	} {
		files, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for document := range strings.SplitSeq(string(text), "\n---\n") {
				object := &unstructured.Unstructured{}
				if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				object.SetUID("") // some tests fix it
				objects = append(objects, object)
			}
		}
	}
	return objects
}

// defaulted is a field of the spec that has a default, by kind. An HTTPIntegration has none at its top.
var defaulted = map[string]string{"IntegrationHub": "statusPage", "LookerRegistration": "deletionPolicy"}

// stored returns the object as the API server stores it after kubectl apply: without unknown fields,
// with the defaults of the CRD, and with metadata and a status.
func stored(t *testing.T, schema *structuralschema.Structural, desired *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	live := desired.DeepCopy()
	pruning.Prune(live.Object, schema, true)
	defaulting.PruneNonNullableNullsWithoutDefaults(live.Object, schema)
	defaulting.Default(live.Object, schema)
	applied, err := json.Marshal(desired)
	if err != nil {
		t.Fatal(err)
	}
	live.SetAnnotations(map[string]string{"kubectl.kubernetes.io/last-applied-configuration": string(applied)})
	for key, value := range desired.GetAnnotations() {
		annotations := live.GetAnnotations()
		annotations[key] = value
		live.SetAnnotations(annotations)
	}
	if field := defaulted[desired.GetKind()]; field != "" {
		if _, found, _ := unstructured.NestedFieldNoCopy(live.Object, "spec", field); !found {
			t.Fatalf("the schema's defaults are not applied: spec.%s is missing", field)
		}
	}
	live.SetUID("00000000-0000-0000-0000-000000000000")
	live.SetResourceVersion("1")
	live.SetGeneration(1)
	live.Object["status"] = map[string]any{"observedGeneration": int64(1)}
	return live
}

// schemas are the schemas of all CRDs by kind, in the API server's form.
func schemas(t *testing.T) map[string]*structuralschema.Structural {
	t.Helper()
	files, err := filepath.Glob(filepath.FromSlash("../crd/bases/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string]*structuralschema.Structural{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(text, crd); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		props := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
		internal := &apiextensions.JSONSchemaProps{}
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, internal, nil); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		schema, err := structuralschema.NewStructural(internal)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		byKind[crd.Spec.Names.Kind] = schema
	}
	return byKind
}
