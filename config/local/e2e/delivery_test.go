//go:build e2e

package e2e

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/config/local/result"
)

func TestConditions(t *testing.T) {
	waitReady(t, "actions")
	h := hub(t, "actions")
	for _, c := range []string{v1alpha1.CredentialsReady, v1alpha1.CertificateReady, v1alpha1.IntegrationsReady, v1alpha1.DeploymentAvailable} {
		if !meta.IsStatusConditionTrue(h.Status.Conditions, c) {
			t.Errorf("%s: %+v", c, meta.FindStatusCondition(h.Status.Conditions, c))
		}
	}
	for _, c := range []string{v1alpha1.Reconciling, v1alpha1.Stalled} {
		if meta.FindStatusCondition(h.Status.Conditions, c) != nil {
			t.Errorf("a ready hub is %s", c)
		}
	}
	if h.Status.URL != hubURL || h.Status.ReadyReplicas != 2 || h.Status.CertificateNotAfter == nil {
		t.Errorf("status %+v", h.Status)
	}
}

func TestTLSChain(t *testing.T) {
	t.Parallel()
	l := newLooker(t)
	if status, _, err := l.call(t.Context(), "/", nil); err != nil || status != http.StatusOK {
		t.Errorf("with the right authority: %d, %v", status, err)
	}
	l.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{}, Proxy: clusterProxy(t)}
	if _, _, err := l.call(t.Context(), "/", nil); err == nil {
		t.Error("the certificate was accepted without its authority")
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	l := newLooker(t)
	for _, token := range []string{"", "a/b", l.token[:len(l.token)-1] + "g", "x" + l.token} {
		wrong := &looker{l.http, token, l.base}
		status, answer, err := wrong.call(t.Context(), "/", nil)
		if err != nil || status != http.StatusForbidden || string(answer) != `{"success":false,"error":"Invalid 'Authorization' header."}` {
			t.Errorf("token %q: %d %s %v", token, status, answer, err)
		}
	}
}

func TestListAndForm(t *testing.T) {
	t.Parallel()
	l := newLooker(t)
	_, list, err := l.call(t.Context(), "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "the list", string(list), `"url":"https://actions.looker.svc/actions/tray/execute"`)
	contains(t, "the list", string(list), `"label":"Local hub"`)
	_, form, err := l.call(t.Context(), "/actions/tray/form", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "the form", string(form), `"label":"Tray Webhook URL"`)
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	l := newLooker(t)
	data := result.New(500).JSON()
	l.receiverCall(t, http.MethodPut, "/downloads/whole", data)
	for name, body := range map[string]map[string]any{"inline": inline(data), "download": download("whole", "")} {
		hook := "/hooks/" + name
		if o, err := l.execute(t.Context(), hook, body); err != nil || !o.Success {
			t.Fatalf("%s: %+v, %v", name, o, err)
		}
		arrived := l.arrivals(t, hook)
		if len(arrived) != 1 || !bytes.Equal(arrived[0].Body, data) || arrived[0].ContentType != "application/json" {
			t.Errorf("%s: %d arrivals, or not what was sent", name, len(arrived))
		}
	}
}

// Whatever goes wrong is answered, and nothing looks whole at the destination that is not.
func TestFailures(t *testing.T) {
	t.Parallel()
	l := newLooker(t)
	data := result.New(500).JSON()
	l.receiverCall(t, http.MethodPut, "/downloads/cut", data)
	for _, tt := range []struct {
		name, hook, message string
		body                map[string]any
	}{
		{"a download that is gone", "/hooks/gone", "status code: 404", download("nothing", "")},
		{"a download that is refused", "/hooks/refused", "status code: 403", download("nothing", "?status=403")},
		{"a download that breaks off", "/hooks/cut", "ended before the data was complete", download("cut", "?cut=5000")},
		{"an unavailable destination", "/status/503", "Tray returned 503", inline(data)},
		{"a destination that resets", "/reset", "The connection to Tray failed", inline(data)},
	} {
		o, err := l.execute(t.Context(), tt.hook, tt.body)
		if err != nil || o.Success {
			t.Errorf("%s: %+v, %v", tt.name, o, err)
		}
		contains(t, tt.name, o.Message, tt.message)
		if tt.hook == "/status/503" {
			continue // it did arrive, and was refused
		}
		if n := len(l.arrivals(t, tt.hook)); n != 0 {
			t.Errorf("%s: %d whole deliveries arrived", tt.name, n)
		}
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	l := newLooker(t)
	for path, want := range map[string]string{
		"/actions/nope/execute": `{"success":false,"error":"No action found with name nope."}`,
		"/actions/tray/execute": `{"success":false,"error":"No request type specified. The request must be of type: \"query\"."}`,
	} {
		status, answer, err := l.call(t.Context(), path, map[string]any{})
		if err != nil || status != http.StatusNotFound || string(answer) != want {
			t.Errorf("%s: %d %s %v", path, status, answer, err)
		}
	}
}
