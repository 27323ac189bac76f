// Package charts_test renders the chart as Helm does.
package charts_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/config/inputs"
	"integrationhub.dev/controllers/controllertest"
)

const chart = "integration-hub"

var update = flag.Bool("update", false, "write the golden files")

// helm runs helm.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	inputs.Of(t, chart)
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), controllertest.Program(t, "helm"), args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// registry is what has no default.
const registry = "image.registry=integrationhub.local,hubImage.registry=integrationhub.local"

func render(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return helm(t, append([]string{"template", "hub", chart, "--namespace", "system", "--set", registry}, args...)...)
}

func TestLint(t *testing.T) {
	t.Parallel()
	if out, errs, err := helm(t, "lint", "--strict", chart, "--set", registry); err != nil {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(chart, "tests", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no values to render: %v", err)
	}
	for _, values := range files {
		t.Run(strings.TrimSuffix(filepath.Base(values), ".yaml"), func(t *testing.T) {
			t.Parallel()
			got, errs, err := render(t, "--values", values)
			if err != nil {
				t.Fatalf("%v\n%s", err, errs)
			}
			got = withoutDashboard(withoutSchema(got))
			golden := filepath.Join(chart, "tests", "golden", filepath.Base(values))
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the chart does not render %s: run with -update, and check git diff", golden)
			}
		})
	}
}

// withoutSchema reduces the CRD to its metadata; TestCopies checks the rest.
func withoutSchema(rendered string) string {
	documents := strings.Split(rendered, "\n---\n")
	for i, d := range documents {
		if head, _, ok := strings.Cut(d, "\nspec:\n"); ok && strings.Contains(head, "kind: CustomResourceDefinition") {
			documents[i] = head
		}
	}
	return strings.Join(documents, "\n---\n")
}

// withoutDashboard removes the dashboard's JSON, which is a file of its own.
func withoutDashboard(rendered string) string {
	documents := strings.Split(rendered, "\n---\n")
	for i, d := range documents {
		if head, _, ok := strings.Cut(d, "integration-hub.json: |\n"); ok {
			documents[i] = head + "integration-hub.json: …"
		}
	}
	return strings.Join(documents, "\n---\n")
}

// The chart's files are copies: make generate writes them.
func TestCopies(t *testing.T) {
	t.Parallel()
	for copied, source := range map[string]string{
		"crd.yaml":                     "config/crd/bases/hub.integrationhub.dev_integrationhubs.yaml",
		"crd_lookerregistrations.yaml": "config/crd/bases/hub.integrationhub.dev_lookerregistrations.yaml",
		"crd_httpintegrations.yaml":    "config/crd/bases/hub.integrationhub.dev_httpintegrations.yaml",
		"role.yaml":                    "config/rbac/role.yaml",
		"alerts.yaml":                  "controllers/resources/alerts.yaml",
	} {
		if diff := cmp.Diff(read(t, filepath.Join("..", source)), read(t, filepath.Join(chart, "files", copied))); diff != "" {
			t.Errorf("files/%s differs from %s, run make generate (-source +copy):\n%s", copied, source, diff)
		}
	}
	var rule struct {
		Spec any `json:"spec"`
	}
	var alerts any
	if err := errors.Join(
		yaml.Unmarshal([]byte(read(t, filepath.Join("..", "config", "prometheus", "alerts.yaml"))), &rule),
		yaml.Unmarshal([]byte(read(t, filepath.Join(chart, "files", "alerts.yaml"))), &alerts),
	); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(alerts, rule.Spec); diff != "" {
		t.Errorf("config/prometheus/alerts.yaml differs from the chart's, run make generate (-chart +config):\n%s", diff)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ set, want string }{
		"no registry of the manager":       {"image.registry=", "no registry is set for the image manager, and this chart has no default"},
		"no registry of the hub":           {"hubImage.registry=", "Set global.imageRegistry to the registry and folder of the images manager and hub"},
		"unknown value":                    {"replica=2", "additional properties 'replica' not allowed"},
		"replicas as text":                 {"replicas=two", "at '/replicas': got string, want integer"},
		"pull policy":                      {"image.pullPolicy=Sometimes", "at '/image/pullPolicy': value must be one of"},
		"registry with a slash at the end": {"global.imageRegistry=registry.example.com/hub/", "at '/global/imageRegistry': 'registry.example.com/hub/' does not match pattern"},
		"folder in upper case":             {"image.registry=registry.example.com/Hub", "at '/image/registry': 'registry.example.com/Hub' does not match pattern"},
		"URL as a registry":                {"hubImage.registry=https://registry.example.com", "at '/hubImage/registry'"},
		"digest":                           {"image.digest=sha256:abc", "at '/image/digest': 'sha256:abc' does not match pattern"},
		"namespace":                        {"watchNamespaces={Looker}", "at '/watchNamespaces/0'"},
		"hub without spec":                 {"hubs.actions.namespace=looker", "missing property 'spec'"},
		"rule of the policy":               {"policy.default.anyPodTemplates=true", "additional properties 'anyPodTemplates' not allowed"},
		"default for all hubs":             {"defaults.default.image=hub", "additional properties 'image' not allowed"},
		"negative number of rollouts":      {"maxConcurrentRollouts=-1", "at '/maxConcurrentRollouts'"},
		"log level":                        {"logLevel=loud", "at '/logLevel'"},
		"interval":                         {"serviceMonitor.interval=often", "at '/serviceMonitor/interval'"},
		"budget as text":                   {"podDisruptionBudget.minAvailable=lots", "at '/podDisruptionBudget/minAvailable'"},
		"budget of both kinds":             {"podDisruptionBudget.minAvailable=1,podDisruptionBudget.maxUnavailable=1", "minAvailable or podDisruptionBudget.maxUnavailable, not both"},
		"ServiceMonitor without Service":   {"serviceMonitor.enabled=true,metricsService.enabled=false", "serviceMonitor requires metricsService.enabled"},
		"replicas without leader election": {"replicas=2,leaderElection=false", "more than one replica requires leaderElection"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, errs, err := render(t, "--set", test.set)
			if err == nil || !strings.Contains(errs, test.want) {
				t.Errorf("--set %s prints %q (%v), want %q", test.set, errs, err, test.want)
			}
		})
	}
}

// An image has the registry of the values, or the one in its repository.
func TestImages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ set, want string }{
		"global":            {"global.imageRegistry=registry.example.com/integration-hub", "image: registry.example.com/integration-hub/manager:"},
		"own":               {"image.registry=registry.example.com", "image: registry.example.com/manager:"},
		"in the repository": {"image.registry=,image.repository=registry.example.com/x/manager", "image: registry.example.com/x/manager:"},
	} {
		out, errs, err := render(t, "--set", test.set)
		if err != nil || !strings.Contains(out, test.want) {
			t.Errorf("%s: the manager's image is not %q: %v %s", name, test.want, err, errs)
		}
	}
}
