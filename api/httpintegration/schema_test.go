package httpintegration_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/config/inputs"
)

// The schema is that of the types.
func TestSchemaIsGenerated(t *testing.T) {
	t.Parallel()
	inputs.Of(t, "schema") // the go command reads it
	want, err := exec.Command("go", "run", "./schema").Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(httpintegration.Schema) {
		t.Error("schema.json is not up to date: run go generate ./api/httpintegration")
	}
}

// The API server of the oldest Kubernetes version that the chart supports accepts the schema in a custom resource, and
// compiles every rule within its budget.
func TestRulesCompileOnOldestKubernetes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../charts/integration-hub/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	oldest := regexp.MustCompile(`(?m)^kubeVersion: ">=([0-9.]+)-0"$`).FindSubmatch(text)
	if oldest == nil {
		t.Fatal("Chart.yaml has no kubeVersion of the form >=x.y.z-0")
	}
	env := environment.MustBaseEnvSet(version.MustParseGeneric(string(oldest[1])))
	s := structural(t)
	if errs := structuralschema.ValidateStructural(nil, s); len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	rules, total := 0, uint64(0)
	// times is how often the API server may evaluate the rules of a value, by the limits of the lists around it.
	var walk func(path string, s *structuralschema.Structural, times uint64)
	walk = func(path string, s *structuralschema.Structural, times uint64) {
		if len(s.XValidations) > 0 {
			results, err := cel.Compile(s, model.SchemaDeclType(s, false), celconfig.PerCallLimit, env, cel.NewExpressionsEnvLoader())
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			for n, r := range results {
				rules++
				if r.Error != nil {
					t.Errorf("%s: Kubernetes does not compile %q: %s", path, s.XValidations[n].Rule, r.Error.Detail)
				}
				total += r.MaxCost * times
			}
		}
		for name := range s.Properties {
			child := s.Properties[name]
			walk(path+"."+name, &child, times)
		}
		if s.Items != nil {
			if s.ValueValidation == nil || s.ValueValidation.MaxItems == nil {
				t.Errorf("%s: the list has no limit", path)
				return
			}
			walk(path+"[]", s.Items, times*uint64(*s.ValueValidation.MaxItems))
		}
		if s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil {
			if s.ValueValidation == nil || s.ValueValidation.MaxProperties == nil {
				t.Errorf("%s: the map has no limit", path)
			}
			walk(path+".*", s.AdditionalProperties.Structural, times)
		}
		if s.Type == "string" && len(s.XValidations) == 0 && (s.ValueValidation == nil || s.ValueValidation.MaxLength == nil && len(s.ValueValidation.Enum) == 0) {
			t.Errorf("%s: the text has no limit", path)
		}
	}
	walk("spec", s, 1)
	// The limit of all rules of a custom resource: StaticEstimatedCRDCostLimit of apiextensions-apiserver.
	if const100M := uint64(100_000_000); total > const100M {
		t.Errorf("the rules may cost %d, more than %d", total, const100M)
	}
	if rules < 10 {
		t.Errorf("%d rules were compiled, want all", rules)
	}
}

// The custom resource and hub lint accept the same: the CRD has the schema of the spec, bound for bound and rule for rule.
func TestCRDHasTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../config/crd/bases/hub.integrationhub.dev_httpintegrations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(text, crd); err != nil {
		t.Fatal(err)
	}
	spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	differences := cmp.Diff(converted(t, &spec), structural(t), cmp.FilterPath(func(p cmp.Path) bool {
		last := p.Last().String()
		// Formats, and the types of lists that are only for server-side apply, have no rule.
		return last == ".Description" || last == ".Format" || last == ".XListType" || last == ".XListMapKeys"
	}, cmp.Ignore()), cmpopts.EquateEmpty(), cmpopts.SortSlices(strings.Compare))
	if differences != "" {
		t.Errorf("schema of the custom resource and of files (-custom resource +files):\n%s", differences)
	}
}

// structural returns the schema of the spec as it is in a custom resource.
func structural(t *testing.T) *structuralschema.Structural {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(httpintegration.Schema, &document); err != nil {
		t.Fatal(err)
	}
	definitions, _ := document["$defs"].(map[string]any)
	var inline func(value any) any
	inline = func(value any) any {
		switch v := value.(type) {
		case map[string]any:
			out := map[string]any{}
			if ref, ok := v["$ref"].(string); ok {
				out, _ = inline(definitions[strings.TrimPrefix(ref, "#/$defs/")]).(map[string]any)
			}
			for name, member := range v {
				// Of a custom resource these are implied, or not allowed.
				if name == "$ref" || name == "uniqueItems" || name == "additionalProperties" && member == false {
					continue
				}
				out[name] = inline(member)
			}
			return out
		case []any:
			list := make([]any, len(v))
			for i, item := range v {
				list[i] = inline(item)
			}
			return list
		}
		return value
	}
	text, err := json.Marshal(inline(definitions["Spec"]))
	if err != nil {
		t.Fatal(err)
	}
	var props apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(text, &props); err != nil {
		t.Fatal(err)
	}
	return converted(t, &props)
}

func converted(t *testing.T, props *apiextensionsv1.JSONSchemaProps) *structuralschema.Structural {
	t.Helper()
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, internal, nil); err != nil {
		t.Fatal(err)
	}
	s, err := structuralschema.NewStructural(internal)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
