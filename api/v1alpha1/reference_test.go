package v1alpha1_test

import (
	"os"
	"regexp"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// unbounded are what need no bounds: Kubernetes' own types, and what the operator writes.
var unbounded = regexp.MustCompile(`^\.(apiVersion$|kind$|metadata$|status|spec\.resources|spec\.imagePullSecrets\[\]|spec\.autoscaling\.behavior|spec\.scheduling\.(affinity|tolerations\[\]|topologySpreadConstraints\[\])|spec\.networkPolicy\.\w+\[\])`)

// The doc comments are the reference documentation (kubectl explain shows them), so no field
// of ours goes without one; and no list, map or text goes without a bound, or the rules'
// cost is estimated without end.
func TestEveryFieldIsDocumentedAndBounded(t *testing.T) {
	t.Parallel()
	root := schema(t)
	var walk func(path string, p apiextensionsv1.JSONSchemaProps)
	walk = func(path string, p apiextensionsv1.JSONSchemaProps) {
		for name, child := range p.Properties {
			at := path + "." + name
			if child.Description == "" && at != ".metadata" {
				t.Errorf("%s has no description", at)
			}
			if !unbounded.MatchString(at) {
				bounded(t, at, child)
			}
			walk(at, child)
		}
		if p.Items != nil && p.Items.Schema != nil {
			walk(path+"[]", *p.Items.Schema)
		}
	}
	walk("", root)
}

func bounded(t *testing.T, at string, p apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	switch {
	case p.Type == "string" && p.MaxLength == nil && len(p.Enum) == 0,
		p.Type == "array" && p.MaxItems == nil,
		p.AdditionalProperties != nil && p.MaxProperties == nil:
		t.Errorf("%s has no bound", at)
	}
}

func schema(t *testing.T) apiextensionsv1.JSONSchemaProps {
	t.Helper()
	text, err := os.ReadFile("../../config/crd/bases/hub.integrationhub.dev_integrationhubs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	return *crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}
