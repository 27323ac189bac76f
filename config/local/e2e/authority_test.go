//go:build e2e

package e2e

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The authority is rotated as one does it: the new one is trusted beside the old, then
// certificates are issued by it, then the old one goes. Hub and destination serve all the while.
func TestAuthorityRotation(t *testing.T) {
	waitReady(t, "actions")
	before := authority(t)
	renew(t, "cert-manager", "local-ca") // what is served is still from the old one
	var after []byte
	eventually(t, time.Minute, func() string {
		if after = authority(t); bytes.Equal(before, after) {
			return "the authority is still the old one"
		}
		return ""
	})
	both := append(bytes.Clone(before), after...)
	l := newLookerTrusting(t, both)
	reachable(t, l)
	losesNothing(t, l, "/hooks/authority", func() {
		trust(t, both)
		renew(t, namespace, "actions")
		renew(t, "receiver", "receiver")
		fresh := newLookerTrusting(t, after)
		// The kubelet takes up to a minute and a half to write a changed Secret.
		eventually(t, 3*time.Minute, func() string {
			fresh.http.CloseIdleConnections()
			for range 10 { // each pod reads it in its own time
				if status, _, err := fresh.call(t.Context(), "/", nil); err != nil || status != http.StatusOK {
					return "the hub serves a certificate of the old authority"
				}
				fresh.http.CloseIdleConnections()
			}
			return ""
		})
		eventually(t, 3*time.Minute, func() string {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, receiver+"/healthz", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := fresh.http.Do(req)
			if err != nil {
				return "the destination serves a certificate of the old authority: " + err.Error()
			}
			res.Body.Close()
			return ""
		})
		trust(t, after)
	})
	if _, _, err := newLookerTrusting(t, before).call(t.Context(), "/", nil); err == nil {
		t.Error("the hub still serves a certificate of the old authority")
	}
	if o, err := newLooker(t).execute(t.Context(), "/hooks/authority-after", inline([]byte(`[]`))); err != nil || !o.Success {
		t.Errorf("with the new authority alone: %+v, %v", o, err)
	}
}

// trust has the hub trust these authorities at its destinations, and waits until it does.
func trust(t *testing.T, authorities []byte) {
	t.Helper()
	m := &corev1.ConfigMap{}
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "receiver-ca"}, m); err != nil {
		t.Fatal(err)
	}
	generation := deployment(t, "actions").Generation
	editObject(t, m, func() { m.Data = map[string]string{"ca.crt": string(authorities)} })
	settled(t, generation)
}
