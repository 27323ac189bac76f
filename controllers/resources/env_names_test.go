package resources_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/env"
)

// The hub accepts the environment of every golden Deployment, and reads every variable that the
// operator sets: a name that the hub does not know would be ignored without an error.
func TestHubReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	known := append(configNames(),
		env.EncryptPayload, env.DebugEndpoint, env.ChildTest, // read by integrations
		env.HTTPSProxy, env.HTTPProxy, env.NoProxy, env.GoMemLimit,
		env.OTelTracesExporter, env.OTelEndpoint, env.OTelProtocol, env.OTelSampler, env.OTelSamplerArg,
	)
	goldens, err := filepath.Glob("testdata/*/want.yaml")
	if err != nil || len(goldens) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range goldens {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			environment := goldenEnvironment(t, file)
			for name := range environment {
				if env.Reserved(name) && !slices.Contains(known, name) { // other names are settings of integrations
					t.Errorf("the hub does not know %s", name)
				}
			}
			if _, err := config.Load(environment); err != nil {
				t.Errorf("the hub refuses its environment: %v", err)
			}
		})
	}
}

// configNames lists the variables of the hub's configuration.
func configNames() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		if name := field.Tag.Get("env"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// fromSecrets are valid values for the variables that come from Secrets.
var fromSecrets = map[string]string{
	env.CipherMaster: strings.Repeat("0a", 32),
	env.SentryDSN:    "https://key@sentry.example.com/1",
	env.HTTPSProxy:   "http://proxy.example.com:3128",
	env.HTTPProxy:    "http://proxy.example.com:3128",
}

// goldenEnvironment is the environment that the kubelet gives to the hub of a golden Deployment.
func goldenEnvironment(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{}
	for document := range bytes.SplitSeq(text, []byte("---\n")) {
		d := &appsv1.Deployment{}
		if err := yaml.Unmarshal(document, d); err != nil {
			t.Fatal(err)
		}
		if d.Kind != resources.DeploymentKind.Kind {
			continue
		}
		containers := d.Spec.Template.Spec.Containers
		hubAt := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == resources.ContainerName })
		for _, e := range containers[hubAt].Env {
			environment[e.Name] = strings.ReplaceAll(e.Value, "$$", "$")
			if e.ValueFrom != nil {
				environment[e.Name] = fromSecrets[e.Name]
			}
		}
	}
	if len(environment) == 0 {
		t.Fatalf("%s has no Deployment with an environment", file)
	}
	return environment
}
