// Package argocd_test checks IntegrationHubs with Argo CD's own engine.
package argocd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
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
	schema := hubSchema(t)
	compared := 0
	for _, file := range hubFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		desired := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &desired.Object); err != nil || desired.GetKind() != "IntegrationHub" {
			continue // another kind, or several documents
		}
		desired.SetUID("") // some tests fix it
		compared++
		t.Run(filepath.Base(file), func(t *testing.T) {
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
	if compared < 5 {
		t.Errorf("%d samples were compared", compared)
	}
}

// hubFiles are the samples, and the hubs of the resources' tests, which use every field.
func hubFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../samples/*.yaml", "../samples/more/*.yaml", "../../controllers/resources/testdata/*/hub.yaml"} {
		found, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

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
	if _, found, _ := unstructured.NestedBool(live.Object, "spec", "statusPage"); !found {
		t.Fatal("the schema's defaults are not applied")
	}
	live.SetUID("00000000-0000-0000-0000-000000000000")
	live.SetResourceVersion("1")
	live.SetGeneration(1)
	live.Object["status"] = map[string]any{"observedGeneration": int64(1)}
	return live
}

// hubSchema is the schema of the CRD, in the API server's form.
func hubSchema(t *testing.T) *structuralschema.Structural {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash("../crd/bases/hub.integrationhub.dev_integrationhubs.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(text, crd); err != nil {
		t.Fatal(err)
	}
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, internal, nil); err != nil {
		t.Fatal(err)
	}
	schema, err := structuralschema.NewStructural(internal)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
