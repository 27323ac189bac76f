//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
)

// newIntegration returns an integration that sends each row to a hook of the receiver.
func newIntegration(hook string) *v1alpha1.HTTPIntegration {
	i := &v1alpha1.HTTPIntegration{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "stock"}}
	i.Spec.Label = "Stock"
	i.Spec.Secrets = []httpintegration.Secret{{Name: "token", SecretKeyRef: httpintegration.SecretKeyRef{Name: "stock", Key: "token"}}}
	i.Spec.Authentication = &httpintegration.Authentication{Bearer: &httpintegration.BearerAuthentication{Token: "${secrets.token}"}}
	i.Spec.Request.Per = "row"
	i.Spec.Request.URL = receiver + hook
	i.Spec.Request.Headers = map[string]httpintegration.Template{"X-Version": "1"}
	i.Spec.Request.Body = &httpintegration.Body{JSON: []byte(`{"n": "${row.name.n}"}`)}
	return i
}

// sends delivers rows in the format json.
func sends(ctx context.Context, l *looker, rows []byte) (outcome, error) {
	return l.deliver(ctx, "custom_stock", map[string]any{
		"type": "query", "attachment": map[string]string{"mimetype": "application/json", "extension": "json", "data": string(rows)},
	})
}

// integrationIs waits until an HTTPIntegration's condition Ready has a reason, at its current generation.
func integrationIs(t *testing.T, i *v1alpha1.HTTPIntegration, reason string) {
	t.Helper()
	// The kubelet takes up to a minute and a half to write a changed ConfigMap.
	eventually(t, 3*time.Minute, func() string {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(i), i); err != nil {
			t.Fatal(err)
		}
		c := meta.FindStatusCondition(i.Status.Conditions, v1alpha1.Ready)
		if c == nil || c.Reason != reason || c.ObservedGeneration != i.Generation {
			return fmt.Sprintf("%s is %+v, want the reason %s", i.Name, c, reason)
		}
		return ""
	})
}

// An HTTPIntegration, from nothing to rows at the receiver. It is changed under load, and nothing is lost. A bad
// change leaves the version that runs; a deletion ends it. No pod is rolled for any of that.
func TestHTTPIntegration(t *testing.T) {
	waitReady(t, "actions")
	l := newLooker(t)
	reachable(t, l)
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: "stock", Annotations: map[string]string{v1alpha1.AllowIntegrationsAnnotation: "stock"},
	}, StringData: map[string]string{"token": "stock-token"}}
	i := newIntegration("/hooks/stock")
	for _, o := range []client.Object{s, i} {
		if err := cluster.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := cluster.Delete(context.WithoutCancel(t.Context()), o); client.IgnoreNotFound(err) != nil {
				t.Error(err)
			}
		})
	}
	integrationIs(t, i, v1alpha1.NotSelected)
	before := deployment(t, "actions").Generation
	edit(t, "actions", func(spec *v1alpha1.IntegrationHubSpec) {
		spec.CustomIntegrations = &v1alpha1.CustomIntegrations{Selector: &metav1.LabelSelector{}}
	})
	settled(t, before)
	integrationIs(t, i, v1alpha1.Succeeded)
	pods := deployment(t, "actions").Generation

	if o, err := sends(t.Context(), l, []byte(`[{"n":"a"},{"n":"b"},{"n":"c"}]`)); err != nil || !o.Success {
		t.Fatalf("delivery: %+v %v", o, err)
	}
	var rows []string
	for _, d := range l.arrivals(t, "/hooks/stock") {
		rows = append(rows, string(d.Body))
		if d.Header.Get("Authorization") != "Bearer stock-token" {
			t.Error("a row arrived without the secret")
		}
	}
	if want := `{"n":"a"} {"n":"b"} {"n":"c"}`; strings.Join(rows, " ") != want {
		t.Errorf("the rows %q arrived, want %s", rows, want)
	}

	// A version whose hook is another one, and then a change of that under load.
	editObject(t, i, func() { i.Spec.Request.URL = receiver + "/hooks/changes" })
	integrationIs(t, i, v1alpha1.Succeeded)
	losesNothingBy(t, l, "/hooks/changes", func(ctx context.Context, l *looker, row []byte) (outcome, error) {
		return sends(ctx, l, fmt.Appendf(nil, "[%s]", row))
	}, func() {
		editObject(t, i, func() { i.Spec.Request.Headers["X-Version"] = "2" })
		integrationIs(t, i, v1alpha1.Succeeded)
	})
	versions := map[string]int{}
	for _, d := range l.arrivals(t, "/hooks/changes") {
		versions[d.Header.Get("X-Version")]++
	}
	if versions["1"] == 0 || versions["2"] == 0 || len(versions) != 2 {
		t.Errorf("rows by version: %v, want some of both", versions)
	}
	t.Logf("rows by version: %v", versions)

	good := i.Status.Version
	editObject(t, i, func() { i.Spec.Request.Headers["X-Version"] = "${nothing}" })
	integrationIs(t, i, v1alpha1.NotValid)
	expect(t, "actions", v1alpha1.CustomIntegrationsReady, v1alpha1.IntegrationsRefused)
	if e := hub(t, "actions").Status.CustomIntegrations.Integrations[0]; e.RunningVersion != good {
		t.Errorf("the hub runs %+v, want version %s", e, good)
	}
	if o, err := sends(t.Context(), l, []byte(`[{"n":"after a bad change"}]`)); err != nil || !o.Success {
		t.Errorf("delivery after a bad change: %+v %v", o, err)
	}
	if deployment(t, "actions").Generation != pods {
		t.Error("the pods were rolled for a change of an integration")
	}

	if err := cluster.Delete(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	eventually(t, 3*time.Minute, func() string {
		_, list, err := l.call(t.Context(), "/", nil)
		if err != nil || strings.Contains(string(list), "custom_stock") {
			return fmt.Sprintf("the deleted integration is still offered: %v", err)
		}
		return ""
	})
	before = deployment(t, "actions").Generation
	edit(t, "actions", func(spec *v1alpha1.IntegrationHubSpec) { spec.CustomIntegrations = nil })
	settled(t, before)
	if status, _, err := l.call(t.Context(), "/actions/custom_stock/execute", map[string]any{"type": "query"}); err != nil || status == http.StatusOK {
		t.Errorf("a deleted integration answers %d, %v", status, err)
	}
}
