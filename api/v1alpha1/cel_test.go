package v1alpha1_test

import (
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// The API server of the oldest Kubernetes version that the chart supports compiles every rule. A CRD
// with a rule that it cannot compile would be refused as a whole.
func TestRulesCompileOnOldestKubernetes(t *testing.T) {
	t.Parallel()
	for kind, least := range map[string]int{"integrationhubs": 20, "lookerregistrations": 8, "httpintegrations": 13} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			compileRules(t, kind, least)
		})
	}
}

// compileRules compiles the rules of a kind, which has a number of them at least.
func compileRules(t *testing.T, kind string, least int) {
	t.Helper()
	oldest := oldestKubernetes(t)
	env := environment.MustBaseEnvSet(oldest)
	rules := 0
	var walk func(path string, s *structuralschema.Structural, root bool)
	walk = func(path string, s *structuralschema.Structural, root bool) {
		if len(s.XValidations) > 0 {
			results, err := cel.Compile(s, model.SchemaDeclType(s, root || s.XEmbeddedResource), celconfig.PerCallLimit, env, cel.NewExpressionsEnvLoader())
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			for n, r := range results {
				rules++
				if r.Error != nil {
					t.Errorf("%s: Kubernetes %s does not compile %q: %s", path, oldest, s.XValidations[n].Rule, r.Error.Detail)
				}
			}
		}
		for name := range s.Properties {
			child := s.Properties[name]
			walk(path+"."+name, &child, false)
		}
		if s.Items != nil {
			walk(path+"[]", s.Items, false)
		}
		if s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil {
			walk(path+".*", s.AdditionalProperties.Structural, false)
		}
	}
	walk("", structural(t, kind), true)
	if rules < least {
		t.Errorf("%d rules were compiled, want all", rules)
	}
}

// oldestKubernetes reads the version from the chart.
func oldestKubernetes(t *testing.T) *version.Version {
	t.Helper()
	text, err := os.ReadFile("../../charts/integration-hub/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^kubeVersion: ">=([0-9.]+)-0"$`).FindSubmatch(text)
	if found == nil {
		t.Fatal("Chart.yaml has no kubeVersion of the form >=x.y.z-0")
	}
	return version.MustParseGeneric(string(found[1]))
}

// structural returns the schema of a kind's CRD, as the API server compiles it.
func structural(t *testing.T, kind string) *structuralschema.Structural {
	t.Helper()
	v1 := schema(t, kind)
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, internal, nil); err != nil {
		t.Fatal(err)
	}
	s, err := structuralschema.NewStructural(internal)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The rules for addresses accept and refuse the same as the hub's own parser, net/netip.
func TestAddressRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		field          string
		valid, invalid []string
	}{
		{
			field: "allowCIDRs",
			valid: []string{
				"0.0.0.0/0", "10.1.0.0/16", "255.255.255.255/32", "192.168.0.10/9", "::/0", "::1/128", "fd00::/8", "2001:db8::/32", "1::/99",
				"1:2:3:4:5:6:7:8/64", "1:2:3:4:5:6:7::/100", "::2:3:4:5:6:7:8/127", "1:2::7:8/119", "ABCD::Ef/48",
			},
			invalid: []string{
				"", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "256.0.0.0/8", "10.0.0.0/08", "010.0.0.0/8", "10.0.0.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "::/129",
				":::/0", "1::2::3/64", "1:2:3:4:5:6:7/64", "1:2:3:4:5:6:7:8:9/64", "1:2:3:4::5:6:7:8/64", "12345::/16", "g::/16", "fe80::1%eth0/64", "1:/16",
				":1/16", "example.com/8", "10.0.0.0/8 ", "10.0.0.0/8,11.0.0.0/8",
			},
		},
		{
			field: "allowHosts",
			valid: []string{
				"looker.example.com", "*.example.org", "*.com", "10.0.0.1", "::", "::1", "fd00::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
				"xn--bcher-kva.example", "a_b.example.com",
			},
			invalid: []string{
				"", "*", "a.*.com", "https://example.com", "example.com:443", "fd00::1::2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "-a.com", "a b",
			},
		},
	} {
		egress := structural(t, "integrationhubs").Properties["spec"].Properties["egress"]
		list := egress.Properties[tt.field]
		item := list.Items
		validator := cel.NewValidator(item, false, celconfig.PerCallLimit)
		check := func(value string, want bool) {
			t.Helper()
			errs, _ := validator.Validate(t.Context(), nil, item, value, nil, celconfig.RuntimeCELCostBudget)
			if got := len(errs) == 0; got != want {
				t.Errorf("%s: %q is accepted: %v, want %v (%v)", tt.field, value, got, want, errs)
			}
			if !want && len(errs) > 0 && !strings.Contains(errs[0].Detail, "must be a ") {
				t.Errorf("%s: %q: %v", tt.field, value, errs)
			}
		}
		for _, value := range tt.valid {
			check(value, true)
			parses(t, value, true)
		}
		for _, value := range tt.invalid {
			check(value, false)
			parses(t, value, false)
		}
	}
}

// parses checks the table itself: net/netip parses a range or an address exactly if it is valid.
func parses(t *testing.T, value string, want bool) {
	t.Helper()
	_, rangeErr := netip.ParsePrefix(value)
	_, addressErr := netip.ParseAddr(value)
	isRange, isAddress := strings.Contains(value, "/"), strings.Count(value, ":") > 1 && !strings.Contains(value, "/")
	if isRange && (rangeErr == nil) != want && !strings.Contains(value, "://") || isAddress && (addressErr == nil) != want {
		t.Errorf("net/netip parses %q: %v, %v, want %v", value, rangeErr, addressErr, want)
	}
}
