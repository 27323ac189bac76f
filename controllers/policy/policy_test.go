package policy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/controllers/policy"
)

func load(t *testing.T, text string) (policy.Policy, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return policy.Load(file)
}

// A namespace's rules replace those of the default one by one; an empty list is a rule too.
func TestFor(t *testing.T) {
	t.Parallel()
	p, err := load(t, `
default:
  hosts: [hub.example.com]
  imagePrefixes: [registry.example.com/hubs]
  issuers: [{name: letsencrypt, kind: ClusterIssuer}]
namespaces:
  looker:
    anyPodTemplate: true
    hosts: ["*.looker.example.com"]
    imagePrefixes: []
`)
	if err != nil {
		t.Fatal(err)
	}
	issuers := []policy.Issuer{{Name: "letsencrypt", Kind: "ClusterIssuer"}}
	for namespace, want := range map[string]policy.Rules{
		"looker": {AnyPodTemplate: new(true), Hosts: []string{"*.looker.example.com"}, ImagePrefixes: []string{}, Issuers: issuers},
		"other":  {Hosts: []string{"hub.example.com"}, ImagePrefixes: []string{"registry.example.com/hubs"}, Issuers: issuers},
	} {
		if diff := cmp.Diff(want, p.For(namespace)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", namespace, diff)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	if p, err := policy.Load(""); err != nil || p.For("x").AnyPodTemplate != nil {
		t.Errorf("without a file: %+v, %v", p, err)
	}
	if _, err := policy.Load(filepath.Join(t.TempDir(), "missing.yaml")); err == nil {
		t.Error("a missing file is no error, so its rules would not apply")
	}
	for text, want := range map[string]string{
		"hosts: [a.example.com]":                                      "unknown field",
		"default: {anyPodTemplates: true}":                            "unknown field",
		"default: {hosts: [https://a.example.com]}":                   "default.hosts",
		`default: {hosts: ["a.*.example.com"]}`:                       "default.hosts",
		`namespaces: {looker: {imagePrefixes: ["example.com/hub*"]}}`: "namespaces.looker.imagePrefixes",
		`default: {imagePrefixes: [""]}`:                              "default.imagePrefixes",
		`default: {annotations: ["a*b"]}`:                             "default.annotations",
		`default: {serviceAccounts: ["[hub"]}`:                        "default.serviceAccounts",
		`default: {issuers: [{kind: ClusterIssuer}]}`:                 "default.issuers",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
