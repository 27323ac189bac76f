//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// All pods are evicted as the disruption budget allows it, under a stream of executes.
func TestEvictionLosesNothing(t *testing.T) {
	waitReady(t, "actions")
	l := newLooker(t)
	reachable(t, l)
	losesNothing(t, l, "/hooks/eviction", func() {
		for _, pod := range runningPods(t) {
			evict(t, &pod)
		}
		waitReady(t, "actions")
	})
}

// The API server is killed and comes back: deliveries go on meanwhile, and so does the
// operator afterwards.
func TestAPIServerRestart(t *testing.T) {
	script := os.Getenv("CLUSTER_SCRIPT")
	if script == "" {
		t.Fatal("CLUSTER_SCRIPT does not name the script that runs the cluster")
	}
	waitReady(t, "actions")
	l := newLooker(t)
	reachable(t, l)
	losesNothing(t, l, "/hooks/apiserver", func() {
		if out, err := exec.CommandContext(t.Context(), script, "restart-apiserver").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
	label := "After the restart"
	edit(t, "actions", func(s *v1alpha1.IntegrationHubSpec) { s.Label = label })
	eventually(t, 2*time.Minute, func() string {
		for _, e := range deployment(t, "actions").Spec.Template.Spec.Containers[0].Env {
			if e.Name == "ACTION_HUB_LABEL" && e.Value == label {
				return ""
			}
		}
		return "the operator does not go on"
	})
	waitReady(t, "actions")
}

// Twenty hubs in ten namespaces come about at once, each with a token of its own. Then all are registered in Looker at
// once.
func TestManyHubs(t *testing.T) {
	const namespaces, each = 10, 2
	var hubs []*v1alpha1.IntegrationHub
	for n := range namespaces {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("team-%d", n), Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
		}}
		if err := cluster.Create(t.Context(), ns); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cluster.Delete(context.WithoutCancel(t.Context()), ns) }) // the cluster itself goes soon
		for i := range each {
			h := newHub(fmt.Sprintf("hub-%d", i))
			h.Namespace = ns.Name
			if err := cluster.Create(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			hubs = append(hubs, h)
		}
	}
	l := newLooker(t)
	tokens := map[string]bool{}
	for _, h := range hubs {
		at := h.Namespace + "/" + h.Name
		eventually(t, 3*time.Minute, func() string {
			if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(h), h); err != nil {
				t.Fatal(err)
			}
			for _, c := range h.Status.Conditions {
				if c.Type == v1alpha1.Ready && c.Status == metav1.ConditionTrue {
					return ""
				}
			}
			return fmt.Sprintf("%s is not ready: %+v", at, h.Status.Conditions)
		})
		minted := string(secret(t, h.Namespace, h.Name+"-token", "token"))
		if tokens[minted] {
			t.Errorf("%s shares its token with another hub", at)
		}
		tokens[minted] = true
		eventually(t, 30*time.Second, func() string {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.Status.URL+"/", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", `Token token="`+minted+`"`)
			res, err := l.http.Do(req)
			if err != nil {
				return err.Error()
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return at + " answers " + res.Status
			}
			return ""
		})
	}
	registerAtOnce(t, hubs)
}
