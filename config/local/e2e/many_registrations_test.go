//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// manyAtRest registers a hub in Looker under many addresses of its API, which are as many Lookers to the operator. As
// soon as all is as it should be, nothing is written to Looker or to Kubernetes.
func manyAtRest(t *testing.T, s simulator) {
	t.Helper()
	const registrations, firstPort = 199, 10001
	ports := []map[string]any{{"name": "https", "port": 443, "targetPort": "https"}}
	var manifests strings.Builder
	for n := range registrations {
		ports = append(ports, map[string]any{"name": fmt.Sprint("https-", n), "port": firstPort + n, "targetPort": "https"})
		fmt.Fprintf(&manifests, `---
apiVersion: hub.integrationhub.dev/v1alpha1
kind: LookerRegistration
metadata: {name: many-%03d, namespace: %s, labels: {e2e: many}}
spec:
  hubRef: {name: %s}
  looker: {url: %q, credentialsSecretRef: {name: looker-api-key}, caBundleRef: {name: looker-ca}}
  adopt: true
  interval: 30s
  integrations: [{name: tray, enabled: true}]
`, n, namespace, registered, fmt.Sprint(simulatorURL, ":", firstPort+n))
	}
	s.setPorts(ports)
	apply(t, manifests.String())
	t.Cleanup(func() {
		err := cluster.DeleteAllOf(context.WithoutCancel(t.Context()), &v1alpha1.LookerRegistration{}, client.InNamespace(namespace), client.MatchingLabels{"e2e": "many"})
		if err != nil {
			t.Error(err)
		}
	})
	all := &v1alpha1.LookerRegistrationList{}
	list := func() map[string]string {
		t.Helper()
		if err := cluster.List(t.Context(), all, client.InNamespace(namespace)); err != nil {
			t.Fatal(err)
		}
		versions := map[string]string{}
		for _, r := range all.Items {
			versions[r.Name] = r.ResourceVersion
		}
		return versions
	}
	var before map[string]string
	eventually(t, 2*time.Minute, func() string {
		before = list()
		for _, r := range all.Items {
			if !meta.IsStatusConditionTrue(r.Status.Conditions, v1alpha1.Ready) {
				return fmt.Sprintf("%s is not ready: %+v", r.Name, r.Status.Conditions)
			}
		}
		return ""
	})
	if len(before) != registrations+1 || len(s.hubsAt(registeredURL)) != 1 {
		t.Fatalf("%d registrations, and in Looker %v", len(before), s.hubsAt(registeredURL))
	}

	after, writes := s.last(), registrationWrites(t)
	eventually(t, 2*time.Minute, func() string {
		compared := 0
		for _, r := range s.requests(after) {
			if strings.HasSuffix(r.Path, "/health") && r.Status == http.StatusOK {
				compared++
			}
		}
		// More than there are: the first ones are compared a second time.
		if want := len(before) + len(before)/10; compared < want {
			return fmt.Sprintf("the registrations were compared %d times with Looker, want %d", compared, want)
		}
		return ""
	})
	if w := s.writes(after); len(w) > 0 {
		t.Errorf("at rest, Looker gets %d requests that write, the first: %s", len(w), w[0])
	}
	if n := registrationWrites(t) - writes; n != 0 {
		t.Errorf("at rest, the API server gets %d writes to hubs and registrations", n)
	}
	if now := list(); !maps.Equal(before, now) {
		t.Error("at rest, registrations changed")
	}
	t.Logf("%d registrations at rest: %d requests to Looker, none of them writes", len(before), len(s.requests(after)))
}

// registrationWrites counts the requests to the API server that write to the project's own kinds.
func registrationWrites(t *testing.T) int {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "kubectl", "get", "--raw", "/metrics").Output()
	if err != nil {
		t.Fatal(err)
	}
	writes, series := 0, 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		labels, found := strings.CutPrefix(lines.Text(), "apiserver_request_total{")
		if !found || !strings.Contains(labels, `group="hub.integrationhub.dev"`) {
			continue
		}
		series++
		labels, value, _ := strings.Cut(labels, "} ")
		if strings.Contains(labels, `verb="GET"`) || strings.Contains(labels, `verb="LIST"`) || strings.Contains(labels, `verb="WATCH"`) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		writes += int(n)
	}
	if series == 0 || writes == 0 {
		t.Fatal("the API server does not count its requests")
	}
	return writes
}
