//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	hublooker "integrationhub.dev/hub/looker"
)

// registerAtOnce registers hubs in a Looker that is slow, so that the manager is killed in the middle of it, at random
// moments. Looker has each hub once then.
func registerAtOnce(t *testing.T, hubs []*v1alpha1.IntegrationHub) {
	t.Helper()
	s := deploySimulator(t)
	for _, h := range s.hubs() { // of an earlier test
		s.do(http.MethodDelete, "/hubs/"+*h.ID, nil, nil)
	}
	start := s.last()
	s.inject(hublooker.Fault{Delay: hublooker.Duration(300 * time.Millisecond)})
	registrations := make([]*v1alpha1.LookerRegistration, 0, len(hubs))
	for _, h := range hubs {
		allowInLooker(t, h.Namespace)
		r := &v1alpha1.LookerRegistration{
			ObjectMeta: metav1.ObjectMeta{Namespace: h.Namespace, Name: h.Name},
			Spec: v1alpha1.LookerRegistrationSpec{
				HubRef: v1alpha1.HubRef{Name: h.Name}, Interval: "30s",
				Looker: v1alpha1.LookerInstance{
					URL: simulatorURL, CredentialsSecretRef: v1alpha1.SecretRef{Name: "looker-api-key"},
					CABundleRef: &v1alpha1.ConfigMapKeyRef{Name: "looker-ca"},
				},
				Integrations: []v1alpha1.RegisteredIntegration{{Name: "tray", Enabled: new(true)}},
			},
		}
		if err := cluster.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		registrations = append(registrations, r)
	}
	for range 2 {
		// All of it takes about eight requests a hub.
		killManagerAfter(t, s, 1+rand.IntN(4*len(hubs)))
	}
	s.do(http.MethodDelete, "/faults", nil, nil)
	for _, r := range registrations {
		eventually(t, 2*time.Minute, func() string {
			if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(r), r); err != nil {
				t.Fatal(err)
			}
			if !meta.IsStatusConditionTrue(r.Status.Conditions, v1alpha1.Ready) {
				return fmt.Sprintf("%s/%s is not ready: %+v", r.Namespace, r.Name, r.Status.Conditions)
			}
			return ""
		})
	}
	for i, h := range hubs {
		if ids := s.hubsAt(h.Status.URL); len(ids) != 1 || ids[0] != registrations[i].Status.HubID {
			t.Errorf("Looker has %s as %v, the status as %q", h.Status.URL, ids, registrations[i].Status.HubID)
		}
	}
	posts := count(s.writes(start), "POST "+hublooker.APIPath+"/integration_hubs")
	t.Logf("%d hubs in Looker of %d registrations, %d requests to create one", len(s.hubs()), len(registrations), posts)
}

// killManagerAfter kills the manager when Looker has got some requests more, or when none comes anymore.
func killManagerAfter(t *testing.T, s simulator, requests int) {
	t.Helper()
	after := s.last()
	eventually(t, 2*time.Minute, func() string {
		if n := len(s.requests(after)); n < requests {
			return fmt.Sprintf("Looker got %d requests, want %d", n, requests)
		}
		return ""
	})
	killManager(t)
	t.Logf("the manager was killed after %d requests to Looker", requests)
}

// killManager ends the manager's process at once: it cannot end its sessions or release its lease. Deleting its pod,
// even without a grace period, lets it stop by itself.
func killManager(t *testing.T) {
	t.Helper()
	pods := &corev1.PodList{}
	if err := cluster.List(t.Context(), pods, client.InNamespace("integration-hub-system")); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, p := range pods.Items {
		for _, c := range p.Status.ContainerStatuses {
			_, id, _ := strings.Cut(c.ContainerID, "://")
			for _, pid := range processesOf(t, id) {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				killed++
			}
		}
	}
	if killed == 0 {
		t.Fatal("the manager does not run")
	}
	// The kubelet would start the container again later and later.
	if err := cluster.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("integration-hub-system"), client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
}

// processesOf are the processes of a container. The nodes' processes are in namespaces of their own, which this
// machine's /proc shows.
func processesOf(t *testing.T, container string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, file := range files {
		text, err := os.ReadFile(file) // a process may end meanwhile
		if err != nil || container == "" || !strings.Contains(string(text), container) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}
