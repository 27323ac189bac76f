package defaults_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/defaults"
	"integrationhub.dev/controllers/resources"
)

func load(t *testing.T, text string) (defaults.Defaults, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "defaults.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return defaults.Load(file)
}

const example = `
default:
  resources: {requests: {memory: 256Mi}}
  imagePullSecrets: [{name: registry}]
  nodeSelector: {pool: hubs}
  tolerations: [{key: dedicated, operator: Exists}]
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway}]
  priorityClassName: business
  podTemplate: {metadata: {labels: {cost-center: "42", tier: default}}}
namespaces:
  looker: {nodeSelector: {pool: looker}, imagePullSecrets: []}
`

func TestApply(t *testing.T) {
	t.Parallel()
	d, err := load(t, example)
	if err != nil {
		t.Fatal(err)
	}
	hub := &v1alpha1.IntegrationHub{}
	hub.Name, hub.Namespace = "actions", "looker"
	hub.Spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}}
	hub.Spec.Scheduling = &v1alpha1.Scheduling{PriorityClassName: "own"}
	before := hub.DeepCopy()

	in, applied := d.For(hub.Namespace).Apply(resources.Inputs{Hub: hub})
	if diff := cmp.Diff([]string{
		"spec.podTemplate", "spec.scheduling.nodeSelector", "spec.scheduling.tolerations", "spec.scheduling.topologySpreadConstraints",
	}, applied); diff != "" {
		t.Errorf("applied defaults (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, hub); diff != "" {
		t.Errorf("the hub itself changed (-before +after):\n%s", diff)
	}
	want := before.Spec
	want.Scheduling = &v1alpha1.Scheduling{
		PriorityClassName: "own", NodeSelector: map[string]v1alpha1.LabelValue{"pool": "looker"},
		Tolerations: []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: "topology.kubernetes.io/zone", WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: resources.PodSelector(hub),
		}},
	}
	if diff := cmp.Diff(want, in.Hub.Spec); diff != "" {
		t.Errorf("spec with defaults (-want +got):\n%s", diff)
	}
}

// Without defaults the inputs stay as they are.
func TestNoDefaults(t *testing.T) {
	t.Parallel()
	d, err := defaults.Load("")
	if err != nil {
		t.Fatal(err)
	}
	hub := &v1alpha1.IntegrationHub{}
	in, applied := d.For("looker").Apply(resources.Inputs{Hub: hub})
	if in.Hub != hub || applied != nil || in.DefaultPodTemplate != nil {
		t.Errorf("inputs %+v with %v, want them unchanged", in, applied)
	}
}

// The hub's own patch is merged after the default one.
func TestPodTemplate(t *testing.T) {
	t.Parallel()
	d, err := load(t, example)
	if err != nil {
		t.Fatal(err)
	}
	hub := &v1alpha1.IntegrationHub{}
	hub.Name, hub.Namespace = "actions", "other"
	hub.Spec.PodTemplate = patch(`{"metadata":{"labels":{"tier":"own"}}}`)
	in, _ := d.For(hub.Namespace).Apply(resources.Inputs{Hub: hub, Image: "hub"})
	deployment, err := resources.Deployment(in)
	if err != nil {
		t.Fatal(err)
	}
	template := deployment.Spec.Template
	got := map[string]string{"cost-center": template.Labels["cost-center"], "tier": template.Labels["tier"]}
	if diff := cmp.Diff(map[string]string{"cost-center": "42", "tier": "own"}, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if secrets := template.Spec.ImagePullSecrets; len(secrets) != 1 || *secrets[0].Name != "registry" {
		t.Errorf("pull secrets %+v, want registry", secrets)
	}
}

// A value that can never work is refused at startup, with its place and what is wrong.
func TestInvalid(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`default: {resource: {}}`: `unknown field "resource"`,
		`default: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}`:      "default.resources.requests.memory: 2Gi must not be greater than the limit 1Gi",
		`default: {resources: {requests: {cpu: "-1"}}}`:                               "default.resources.requests.cpu: -1 must not be negative",
		`default: {resources: {claims: [{name: gpu}]}}`:                               "default.resources.claims is not supported",
		`default: {resources: {requests: {cpu: lots}}}`:                               "quantities must match",
		`namespaces: {looker: {nodeSelector: {"a b": c}}}`:                            "namespaces.looker.nodeSelector: Invalid value",
		`default: {tolerations: [{key: dedicated, operator: Is}]}`:                    "default.tolerations[0].operator must be Exists or Equal",
		`default: {tolerations: [{value: x}]}`:                                        "default.tolerations[0]: without a key the operator must be Exists",
		`default: {tolerations: [{key: a b}]}`:                                        "default.tolerations[0].key",
		`default: {tolerations: [{key: a, operator: Exists, value: x}]}`:              "default.tolerations[0].value must be empty",
		`default: {tolerations: [{key: a, effect: Never}]}`:                           "default.tolerations[0].effect must be",
		`default: {imagePullSecrets: [{name: Registry}]}`:                             `default.imagePullSecrets[0].name: "Registry" is not the name of a Secret`,
		`default: {priorityClassName: High}`:                                          "default.priorityClassName",
		`default: {topologySpreadConstraints: [{maxSkew: 0}]}`:                        "default.topologySpreadConstraints[0].maxSkew must be at least 1",
		`default: {podTemplate: [1]}`:                                                 "default.podTemplate must be an object",
		`default: {podTemplate: {spec: {containers: [{name: hub, image: 1}]}}}`:       "default.podTemplate",
		`default: {podTemplate: {spec: {container: []}}}`:                             `default.podTemplate: json: unknown field "container"`,
		`default: {podTemplate: {spec: {containers: [{name: hub, $patch: delete}]}}}`: "default.podTemplate",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "reading the defaults ") {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
	if _, err := defaults.Load(filepath.Join(t.TempDir(), "missing")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
}

func patch(text string) *runtime.RawExtension { return &runtime.RawExtension{Raw: []byte(text)} }
