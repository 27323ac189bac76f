// Package config_test builds the kustomizations in config as kubectl apply -k does.
package config_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/controllers/controllertest"
)

// build runs kubectl kustomize.
func build(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), controllertest.Program(t, "kubectl"), "kustomize", dir)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("building %s: %v\n%s", dir, err, errs.String())
	}
	if errs.Len() > 0 { // deprecation warnings
		t.Errorf("building %s: %s", dir, errs.String())
	}
	return controllertest.Objects(t, out.String())
}

// one returns the only object of a kind.
func one[T any](t *testing.T, objects []*unstructured.Unstructured, kind string) T {
	t.Helper()
	var found []T
	for _, o := range objects {
		if o.GetKind() != kind {
			continue
		}
		var typed T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &typed); err != nil {
			t.Fatal(err)
		}
		found = append(found, typed)
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of kind %s, want 1", len(found), kind)
	}
	return found[0]
}

// Every base and overlay builds, and a real API server accepts it with strict field validation.
func TestKustomizations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("*", "kustomization.yaml"))
	if err != nil || len(files) < 7 {
		t.Fatalf("%d kustomizations: %v", len(files), err)
	}
	api := controllertest.DryRunClient(t, filepath.Join("crd", "bases"), "integration-hub-system", "looker")
	for _, file := range files {
		dir := filepath.Dir(file)
		objects := build(t, dir)
		if len(objects) == 0 {
			t.Errorf("%s builds nothing", dir)
		}
		for _, o := range objects {
			err := api.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("kubectl"), client.ForceOwnership)
			if err != nil {
				t.Errorf("%s: %s %s: %v", dir, o.GetKind(), o.GetName(), err)
			}
		}
	}
}

// The objects that refer to the manager match it: nothing else checks labels and port names.
func TestBasesFitTheManager(t *testing.T) {
	t.Parallel()
	manager := one[appsv1.Deployment](t, build(t, "default"), "Deployment")
	pod, ports := manager.Spec.Template, map[string]bool{}
	for _, p := range pod.Spec.Containers[0].Ports {
		ports[p.Name] = true
	}
	selects := func(what string, selector map[string]string, namespace string) {
		t.Helper()
		if namespace != manager.Namespace {
			t.Errorf("the %s is in namespace %s, the manager in %s", what, namespace, manager.Namespace)
		}
		if !matches(selector, pod.Labels) {
			t.Errorf("the %s selects %v, the manager's pods have %v", what, selector, pod.Labels)
		}
	}

	policy := one[networkingv1.NetworkPolicy](t, build(t, "network-policy"), "NetworkPolicy")
	selects("network policy", policy.Spec.PodSelector.MatchLabels, policy.Namespace)
	for _, p := range policy.Spec.Ingress[0].Ports {
		if p.Port.Type != intstr.String || !ports[p.Port.StrVal] {
			t.Errorf("the network policy opens %s, which the manager does not have", p.Port)
		}
		delete(ports, p.Port.StrVal)
	}
	if len(ports) > 0 {
		t.Errorf("the network policy closes %v", ports)
	}

	prometheus := build(t, "prometheus")
	service := one[corev1.Service](t, prometheus, "Service")
	selects("Service", service.Spec.Selector, service.Namespace)
	monitor := one[struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     struct {
			Selector  metav1.LabelSelector `json:"selector"`
			Endpoints []struct {
				Port string `json:"port"`
			} `json:"endpoints"`
		} `json:"spec"`
	}](t, prometheus, "ServiceMonitor")
	if selector := monitor.Spec.Selector.MatchLabels; !matches(selector, service.Labels) {
		t.Errorf("the ServiceMonitor selects %v, the Service has %v", selector, service.Labels)
	}
	if monitor.Metadata.Namespace != service.Namespace {
		t.Errorf("the ServiceMonitor is in namespace %s, the Service in %s", monitor.Metadata.Namespace, service.Namespace)
	}
	if at := service.Spec.Ports[0]; monitor.Spec.Endpoints[0].Port != at.Name || at.TargetPort.StrVal != "metrics" {
		t.Errorf("the ServiceMonitor reads port %s, the Service leads %s to %s", monitor.Spec.Endpoints[0].Port, at.Name, at.TargetPort.String())
	}
}

// matches reports whether a selector that is not empty selects labels.
func matches(selector, of map[string]string) bool {
	return len(selector) > 0 && labels.SelectorFromSet(selector).Matches(labels.Set(of))
}

// The overlay sets every image, also the hub's, which is a setting of the manager.
func TestDefaultNamesImages(t *testing.T) {
	t.Parallel()
	manager := one[appsv1.Deployment](t, build(t, "default"), "Deployment").Spec.Template.Spec.Containers[0]
	hub := ""
	for _, e := range manager.Env {
		if e.Name == "HUB_IMAGE" {
			hub = e.Value
		}
	}
	for what, image := range map[string]string{"manager": manager.Image, "hub": hub} {
		if wellFormed := regexp.MustCompile(`^.+/` + what + `:.+$`); !wellFormed.MatchString(image) {
			t.Errorf("the %s's image is %q, want %s", what, image, wellFormed)
		}
	}
}
