package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/controllertest"
)

// After an upgrade the manager rolls one hub after the other, though it is killed in between. Only
// watches notify it: it polls waiting hubs less often than this test takes.
func TestUpgradeInStages(t *testing.T) {
	c := newCluster(t)
	stop := c.start("--hub-image", "hub:1")
	names := []string{"a", "b", "c"}
	for _, name := range names {
		c.create(&v1alpha1.IntegrationHub{ObjectMeta: named(name), Spec: v1alpha1.IntegrationHubSpec{
			BaseURL: "https://hub.example.com", TLS: v1alpha1.TLS{TerminatedElsewhere: true},
		}})
	}
	for _, name := range names {
		c.eventually(name+" is ready", func() bool {
			_ = controllertest.RunPods(t.Context(), c.api, client.ObjectKey{Namespace: "default", Name: name})
			return c.hubReady(name)
		})
	}
	stop(syscall.SIGTERM)

	upgraded := func() []string {
		t.Helper()
		var list []string
		for _, name := range names {
			d := &appsv1.Deployment{ObjectMeta: named(name)}
			if err := c.api.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil {
				t.Fatal(err)
			}
			if d.Spec.Template.Spec.Containers[0].Image == "hub:2" {
				list = append(list, name)
			}
		}
		return list
	}
	stop = c.start("--hub-image", "hub:2", "--max-concurrent-rollouts", "1")
	for n := 1; n <= len(names); n++ {
		c.eventually("another hub rolls", func() bool { return len(upgraded()) >= n })
		if n == 2 {
			stop(syscall.SIGKILL)
			stop = c.start("--hub-image", "hub:2", "--max-concurrent-rollouts", "1")
		}
		c.eventually("the others wait", func() bool { return c.waiting(names) == len(names)-n })
		if now := upgraded(); len(now) != n {
			t.Fatalf("%v roll, want %d", now, n)
		}
		for _, name := range upgraded() {
			if err := controllertest.RunPods(t.Context(), c.api, client.ObjectKey{Namespace: "default", Name: name}); err != nil {
				t.Fatal(err)
			}
		}
	}

	// A reconcile on request.
	h := &v1alpha1.IntegrationHub{ObjectMeta: named("a")}
	if err := controllertest.Edit(t.Context(), c.api, h, func(h *v1alpha1.IntegrationHub) {
		h.Annotations = map[string]string{v1alpha1.ReconcileAtAnnotation: "now"}
	}); err != nil {
		t.Fatal(err)
	}
	c.eventually("the request is handled", func() bool {
		return c.api.Get(t.Context(), client.ObjectKeyFromObject(h), h) == nil && h.Status.LastHandledReconcileAt == "now"
	})
	stop(syscall.SIGTERM)
}

func (c *cluster) hubReady(name string) bool { return c.hubHas(name, v1alpha1.Ready) }

// waiting counts the hubs whose rollouts wait.
func (c *cluster) waiting(names []string) int {
	return len(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !c.hubHas(name, v1alpha1.RolloutPending) }))
}

func (c *cluster) hubHas(name, condition string) bool {
	c.t.Helper()
	h := &v1alpha1.IntegrationHub{ObjectMeta: named(name)}
	if err := c.api.Get(c.t.Context(), client.ObjectKeyFromObject(h), h); err != nil {
		c.t.Fatal(err)
	}
	return meta.IsStatusConditionTrue(h.Status.Conditions, condition)
}

// A manager whose defaults cannot be read does not start, and says which value is wrong.
func TestUnreadableDefaults(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "defaults.yaml")
	if err := os.WriteFile(file, []byte("default: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file: "default.resources.requests.memory: 2Gi must not be greater than the limit 1Gi", file + ".missing": "no such file",
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "--hub-image", "hub:test", "--defaults", path)
		cmd.Env = append(os.Environ(), "BE_THE_MANAGER=yes")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "reading the defaults") || !strings.Contains(string(out), want) {
			t.Errorf("with the defaults %s: %v, output %q, want %q", path, err, out, want)
		}
	}
}
