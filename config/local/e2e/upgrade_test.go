//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"integrationhub.dev/api/v1alpha1"
)

// The hub once more, as the script run builds it to be upgraded to.
const (
	nextImage   = "integrationhub.local/hub:next"
	nextVersion = "v99.0.0"
)

// A new version is rolled out, then one that cannot start, which leaves the pods that run
// where they are; and the way back is as good as the way there. No execute notices.
func TestUpgradeAndRollback(t *testing.T) {
	waitReady(t, "actions")
	l := newLooker(t)
	reachable(t, l)
	first := hub(t, "actions").Status.ObservedVersion
	if first == "" || first == nextVersion {
		t.Fatalf("the hub says that it is %q", first)
	}
	use := func(image string, pull corev1.PullPolicy) {
		t.Helper()
		edit(t, "actions", func(s *v1alpha1.IntegrationHubSpec) { s.Image, s.ImagePullPolicy = image, pull })
	}
	losesNothing(t, l, "/hooks/upgrade", func() {
		use(nextImage, corev1.PullNever)
		runs(t, nextVersion)

		use("integrationhub.local/hub:nothing", corev1.PullNever)
		expect(t, "actions", v1alpha1.DeploymentAvailable, v1alpha1.PodsFailing)
		contains(t, "the message", meta.FindStatusCondition(hub(t, "actions").Status.Conditions, v1alpha1.DeploymentAvailable).Message, "ErrImageNeverPull")
		if n := hub(t, "actions").Status.ReadyReplicas; n < 2 {
			t.Errorf("%d pods are left of the version that works, want 2", n)
		}

		use("", "")
		runs(t, first)
	})
}

// runs waits until all pods are ready and say that they are of a version.
func runs(t *testing.T, version string) {
	t.Helper()
	eventually(t, 3*time.Minute, func() string {
		h := hub(t, "actions")
		switch status := h.Status; {
		case status.ObservedGeneration != h.Generation:
			return fmt.Sprintf("generation %d is observed, want %d", status.ObservedGeneration, h.Generation)
		case status.ObservedVersion != version:
			return fmt.Sprintf("the hub runs %q, want %q", status.ObservedVersion, version)
		case !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.Ready):
			return fmt.Sprintf("the hub is not ready: %+v", status.Conditions)
		case meta.IsStatusConditionTrue(status.Conditions, v1alpha1.Reconciling):
			return fmt.Sprintf("the hub is reconciling: %+v", status.Conditions)
		}
		return ""
	})
}
