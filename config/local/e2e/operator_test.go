//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// The pods are rolled twice under a steady stream of executes.
func TestRollingRestartLosesNothing(t *testing.T) {
	waitReady(t, "actions")
	l := newLooker(t)
	reachable(t, l)
	losesNothing(t, l, "/hooks/rolling", func() {
		for _, label := range []string{"Rolled once", "Local hub"} {
			edit(t, "actions", func(s *v1alpha1.IntegrationHubSpec) { s.Label = label })
			waitReady(t, "actions")
		}
	})
}

// reachable waits until the node's proxy knows the pods: that is some moments after they are
// ready, and no business of the operator's.
func reachable(t *testing.T, l *looker) {
	t.Helper()
	eventually(t, 30*time.Second, func() string {
		if status, _, err := l.call(t.Context(), "/", nil); err != nil || status != http.StatusOK {
			return fmt.Sprintf("the hub is not reached: %d %v", status, err)
		}
		return ""
	})
}

// The operator is killed repeatedly while it creates a hub. The token that it issued first stays.
func TestManagerKilled(t *testing.T) {
	h := newHub("killed")
	if err := cluster.Create(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, h) })
	first := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "killed-token"}}
	eventually(t, time.Minute, func() string {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(first), first); err != nil {
			return fmt.Sprintf("no token has been issued: %v", err)
		}
		return ""
	})
	for range 4 {
		if err := cluster.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("integration-hub-system"), client.GracePeriodSeconds(0)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-time.After(700 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	waitReady(t, "killed")
	if last := secret(t, namespace, "killed-token", "token"); !bytes.Equal(first.Data["token"], last) {
		t.Error("the token changed although its secret did not")
	}
}

func newHub(name string) *v1alpha1.IntegrationHub {
	one := int32(1)
	return &v1alpha1.IntegrationHub{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.IntegrationHubSpec{
			Replicas: &one, DrainTimeout: "10s",
			Resources: &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m")}}, // many share one node
			TLS:       v1alpha1.TLS{IssuerRef: &v1alpha1.IssuerRef{Name: "local-ca", Kind: "ClusterIssuer"}},
		},
	}
}

// remove deletes a hub; its objects go with it. It runs when the test's context has ended.
func remove(t *testing.T, h *v1alpha1.IntegrationHub) {
	t.Helper()
	if err := cluster.Delete(context.WithoutCancel(t.Context()), h); client.IgnoreNotFound(err) != nil {
		t.Error(err)
	}
}

// What cannot work is shown in a condition, and what runs goes on.
func TestMissingSecret(t *testing.T) {
	waitReady(t, "actions")
	before := deployment(t, "actions").Generation
	edit(t, "actions", func(s *v1alpha1.IntegrationHubSpec) {
		s.Integrations[1].SecretRef = &v1alpha1.SecretRef{Name: "zapier-settings"}
	})
	expect(t, "actions", v1alpha1.IntegrationsReady, v1alpha1.SecretNotFound)
	expect(t, "actions", v1alpha1.Ready, v1alpha1.SecretNotFound)
	if after := deployment(t, "actions").Generation; after != before {
		t.Error("the pods were touched though the spec cannot work")
	}
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "zapier-settings"},
		StringData: map[string]string{"ZAPIER_EXTRA_DOMAINS": "hooks.example.com"},
	}
	if err := cluster.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	waitReady(t, "actions")
	if after := deployment(t, "actions").Generation; after == before {
		t.Error("the pods were not rolled for the new Secret")
	}
	before = deployment(t, "actions").Generation
	editObject(t, s, func() { s.StringData = map[string]string{"ZAPIER_EXTRA_DOMAINS": "hooks.example.net"} })
	eventually(t, time.Minute, func() string {
		if deployment(t, "actions").Generation == before {
			return "the pods were not rolled for the changed Secret"
		}
		return ""
	})
	edit(t, "actions", func(s *v1alpha1.IntegrationHubSpec) { s.Integrations[1].SecretRef = nil })
	waitReady(t, "actions")
}

func TestMissingIssuer(t *testing.T) {
	h := newHub("no-issuer")
	h.Spec.TLS.IssuerRef.Name = "missing"
	if err := cluster.Create(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, h) })
	expect(t, "no-issuer", v1alpha1.CertificateReady, v1alpha1.IssuerNotFound)
	expect(t, "no-issuer", v1alpha1.Stalled, v1alpha1.IssuerNotFound)
}

func TestBadImage(t *testing.T) {
	h := newHub("bad-image")
	h.Spec.Image, h.Spec.ImagePullPolicy = "integrationhub.local/hub:nothing", corev1.PullNever
	if err := cluster.Create(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, h) })
	expect(t, "bad-image", v1alpha1.DeploymentAvailable, v1alpha1.PodsFailing)
	c := meta.FindStatusCondition(hub(t, "bad-image").Status.Conditions, v1alpha1.Ready)
	contains(t, "the message", c.Message, "ErrImageNeverPull")
}

func deployment(t *testing.T, name string) *appsv1.Deployment {
	t.Helper()
	d := &appsv1.Deployment{}
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, d); err != nil {
		t.Fatal(err)
	}
	return d
}

// expect waits until a condition has a reason.
func expect(t *testing.T, name, condition, reason string) {
	t.Helper()
	eventually(t, time.Minute, func() string {
		c := meta.FindStatusCondition(hub(t, name).Status.Conditions, condition)
		if c == nil || c.Reason != reason {
			return fmt.Sprintf("%s of %s is %+v, want the reason %s", condition, name, c, reason)
		}
		return ""
	})
}
