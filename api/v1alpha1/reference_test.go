package v1alpha1_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// unbounded matches what needs no bounds: Kubernetes' own types, and what the operator writes.
var unbounded = regexp.MustCompile(`^\.(apiVersion$|kind$|metadata$|status|spec\.resources|spec\.autoscaling\.behavior|` +
	`spec\.scheduling\.(affinity|tolerations\[\]|topologySpreadConstraints\[\])|spec\.networkPolicy\.\w+\[\]|spec\.customIntegrations\.selector\.)`)

// foreign matches fields whose description is Kubernetes' own.
var foreign = regexp.MustCompile(`^\.(apiVersion|kind)$|^\.status\.conditions\[\]|` +
	`^\.spec\.(resources|autoscaling\.behavior|scheduling\.(affinity|\w+\[\])|networkPolicy\.\w+\[\]|customIntegrations\.selector)\.`)

// The doc comments are the reference documentation, so every field has one; and every list, map
// and string has a bound, or the API server cannot bound the cost of the rules.
func TestEveryFieldIsDocumentedAndBounded(t *testing.T) {
	t.Parallel()
	var walk func(path string, p apiextensionsv1.JSONSchemaProps)
	walk = func(path string, p apiextensionsv1.JSONSchemaProps) {
		for name, child := range p.Properties {
			at := path + "." + name
			if at != ".metadata" && !foreign.MatchString(at) {
				documented(t, at, child.Description)
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
	for _, kind := range kinds {
		walk("", schema(t, kind))
	}
}

// kinds are the resources with a CRD.
var kinds = []string{"integrationhubs", "lookerregistrations", "httpintegrations"}

// documented checks a description. It is one line, which kubectl explain wraps, of short sentences.
func documented(t *testing.T, at, description string) {
	t.Helper()
	if strings.Contains(description, "\n") || !strings.HasSuffix(description, ".") {
		t.Errorf("%s is described by %q, want one line of sentences", at, description)
	}
	for sentence := range strings.SplitSeq(description, ". ") {
		if len(strings.Fields(sentence)) > 25 {
			t.Errorf("%s is described by %q, want sentences of 25 words at most", at, sentence)
		}
	}
}

// GitOps tools such as Argo CD compare the lists of a manifest with those of the live object as a
// whole, so a default inside a list would be a difference that no sync removes.
func TestNoDefaultsInsideLists(t *testing.T) {
	t.Parallel()
	var walk func(path string, p apiextensionsv1.JSONSchemaProps, inList bool)
	walk = func(path string, p apiextensionsv1.JSONSchemaProps, inList bool) {
		if inList && p.Default != nil {
			t.Errorf("%s has the default %s, want none inside a list", path, p.Default.Raw)
		}
		for name, child := range p.Properties {
			walk(path+"."+name, child, inList)
		}
		if p.Items != nil && p.Items.Schema != nil {
			walk(path+"[]", *p.Items.Schema, true)
		}
		if p.AdditionalProperties != nil && p.AdditionalProperties.Schema != nil {
			walk(path+".*", *p.AdditionalProperties.Schema, inList)
		}
	}
	for _, kind := range kinds {
		walk("", schema(t, kind), false)
	}
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

// schema returns the schema of a kind's CRD.
func schema(t *testing.T, kind string) apiextensionsv1.JSONSchemaProps {
	t.Helper()
	text, err := os.ReadFile("../../config/crd/bases/hub.integrationhub.dev_" + kind + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	return *crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}
