package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/controllertest"
	"integrationhub.dev/controllers/resources"
)

// A hub with the maximum of no-code integrations: each change is one write of one ConfigMap, many
// changes at once are joined, and a restart of the manager writes nothing.
func TestMaximumOfIntegrations(t *testing.T) {
	c := newCluster(t)
	stop := c.start()
	hub := &v1alpha1.IntegrationHub{ObjectMeta: named("hub"), Spec: v1alpha1.IntegrationHubSpec{
		BaseURL: "https://hub.example.com", TLS: v1alpha1.TLS{TerminatedElsewhere: true},
		CustomIntegrations: &v1alpha1.CustomIntegrations{Selector: &metav1.LabelSelector{}},
	}}
	c.create(hub)
	c.reason(v1alpha1.CustomIntegrationsReady, v1alpha1.Succeeded)
	var writes atomic.Int64
	c.countConfigMaps(&writes)

	const n = resources.MaxCustomIntegrations
	name := func(i int) string { return fmt.Sprintf("crm-%03d", i) }
	begin := time.Now()
	for i := range n {
		integration := &v1alpha1.HTTPIntegration{ObjectMeta: named(name(i)), Spec: httpintegration.Spec{Label: "CRM"}}
		integration.Spec.Request.URL = "https://crm.example.com/"
		integration.Spec.Request.Body = &httpintegration.Body{JSON: []byte(`{"title": "${plan.title}", "rows": "${rows}"}`)}
		c.create(integration)
	}
	c.eventually("the pods get all integrations", func() bool { return len(c.labels()) == n })
	t.Logf("%d integrations in %s, with %d writes of ConfigMaps", n, time.Since(begin).Round(time.Millisecond), writes.Load())
	joined := func(begin time.Time) {
		t.Helper()
		// A round writes each ConfigMap at most once, and there is about one round a second.
		if rounds := int64(time.Since(begin)/time.Second) + 2; writes.Load() > rounds*resources.CustomConfigMaps {
			t.Errorf("%d writes of ConfigMaps within %d seconds", writes.Load(), rounds)
		}
	}
	joined(begin)
	c.eventually("the hub has all integrations in its status", func() bool {
		err := c.api.Get(t.Context(), client.ObjectKeyFromObject(hub), hub)
		return err == nil && hub.Status.CustomIntegrations.Selected == n && len(hub.Status.CustomIntegrations.Integrations) == n
	})

	relabel := func(label string, numbers ...int) {
		t.Helper()
		for _, i := range numbers {
			integration := &v1alpha1.HTTPIntegration{ObjectMeta: named(name(i))}
			if err := controllertest.Edit(t.Context(), c.api, integration, func(o *v1alpha1.HTTPIntegration) { o.Spec.Label = label }); err != nil {
				t.Fatal(err)
			}
		}
		c.eventually("the pods get the label "+label, func() bool { return c.labels()[label] == len(numbers) })
	}
	writes.Store(0)
	relabel("one", 7)
	if got := writes.Load(); got != 1 {
		t.Errorf("%d writes of ConfigMaps for one change", got)
	}
	writes.Store(0)
	var fifty []int
	for i := range 50 {
		fifty = append(fifty, 50+i)
	}
	begin = time.Now()
	relabel("many", fifty...)
	t.Logf("50 changes in %s, with %d writes of ConfigMaps", time.Since(begin).Round(time.Millisecond), writes.Load())
	joined(begin)

	c.eventually("every integration is valid", func() bool { return c.valid() == n })
	c.exports(`integrationhub_http_integration_ready{integration="crm-007",integration_namespace="default"} 0`) // no pod runs
	c.settled()
	before := c.customVersions()
	stop(syscall.SIGKILL)
	stop = c.start()
	c.eventually("all integrations are reconciled", func() bool { return c.reconciles("httpintegration") >= n && c.reconciles("integrationhub") >= 1 })
	c.settled()
	if after := c.customVersions(); after != before {
		t.Errorf("a restart wrote: versions were %s, are %s", before, after)
	}
	stop(syscall.SIGTERM)
	if log := c.log.String(); strings.Contains(log, "forbidden") {
		t.Errorf("permissions are missing:\n%s", log)
	}
}

// A Secret that no longer allows an integration is unmounted at once, also if only a version uses it that the
// pods keep because the newest one is not valid.
func TestRevokedSecret(t *testing.T) {
	c := newCluster(t)
	stop := c.start()
	secret := &corev1.Secret{ObjectMeta: named("crm"), StringData: map[string]string{"key": "1"}}
	secret.Annotations = map[string]string{v1alpha1.AllowIntegrationsAnnotation: "crm"}
	c.create(secret)
	integration := &v1alpha1.HTTPIntegration{ObjectMeta: named("crm"), Spec: httpintegration.Spec{Label: "CRM"}}
	integration.Spec.Request.URL = "https://crm.example.com/"
	integration.Spec.Secrets = []httpintegration.Secret{{Name: "key", SecretKeyRef: httpintegration.SecretKeyRef{Name: "crm", Key: "key"}}}
	c.create(integration)
	c.create(&v1alpha1.IntegrationHub{ObjectMeta: named("hub"), Spec: v1alpha1.IntegrationHubSpec{
		BaseURL: "https://hub.example.com", TLS: v1alpha1.TLS{TerminatedElsewhere: true},
		CustomIntegrations: &v1alpha1.CustomIntegrations{Selector: &metav1.LabelSelector{}},
	}})
	mounts := func() bool {
		d := &appsv1.Deployment{ObjectMeta: named("hub")}
		return c.api.Get(t.Context(), client.ObjectKeyFromObject(d), d) == nil && slices.ContainsFunc(d.Spec.Template.Spec.Volumes,
			func(v corev1.Volume) bool { return v.Name == "integration-secrets" })
	}
	c.eventually("the pods mount the Secret", mounts)
	if err := controllertest.Edit(t.Context(), c.api, integration, func(o *v1alpha1.HTTPIntegration) { o.Spec.Name, o.Spec.Secrets = "unprefixed", nil }); err != nil {
		t.Fatal(err)
	}
	c.reason(v1alpha1.CustomIntegrationsReady, v1alpha1.IntegrationsRefused)
	if !mounts() {
		t.Error("the version that the pods keep lost its Secret")
	}
	if err := controllertest.Edit(t.Context(), c.api, secret, func(s *corev1.Secret) { s.Annotations = nil }); err != nil {
		t.Fatal(err)
	}
	c.eventually("the Secret is unmounted", func() bool { return !mounts() })
	stop(syscall.SIGTERM)
}

// countConfigMaps counts the writes of the hub's ConfigMaps.
func (c *cluster) countConfigMaps(writes *atomic.Int64) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c.t.Cleanup(cancel)
	w, err := c.api.Watch(ctx, &corev1.ConfigMapList{}, client.InNamespace("default"), client.MatchingLabels{resources.InstanceLabel: "hub"})
	if err != nil {
		c.t.Fatal(err)
	}
	go func() {
		for e := range w.ResultChan() {
			if e.Type != watch.Bookmark {
				writes.Add(1)
			}
		}
	}()
}

// labels counts the labels of the integrations in the hub's ConfigMaps.
func (c *cluster) labels() map[string]int {
	c.t.Helper()
	all := &corev1.ConfigMapList{}
	if err := c.api.List(c.t.Context(), all, client.InNamespace("default"), client.MatchingLabels{resources.InstanceLabel: "hub"}); err != nil {
		c.t.Fatal(err)
	}
	labels := map[string]int{}
	for _, m := range all.Items {
		for file, text := range m.Data {
			spec, err := resources.ReadCustomFile(text)
			if err != nil {
				c.t.Fatalf("%s: %v", file, err)
			}
			label := spec.Label
			if label == "CRM" {
				label = file
			}
			labels[label]++
		}
	}
	return labels
}

// valid counts the valid integrations.
func (c *cluster) valid() int {
	c.t.Helper()
	all := &v1alpha1.HTTPIntegrationList{}
	if err := c.api.List(c.t.Context(), all); err != nil {
		c.t.Fatal(err)
	}
	n := 0
	for i := range all.Items {
		valid := meta.FindStatusCondition(all.Items[i].Status.Conditions, v1alpha1.Valid)
		if valid != nil && valid.Status == metav1.ConditionTrue && valid.ObservedGeneration == all.Items[i].Generation && len(all.Items[i].Status.Hubs) == 1 {
			n++
		}
	}
	return n
}

// settled waits until nothing was written for two seconds.
func (c *cluster) settled() {
	c.t.Helper()
	last, since := "", time.Now()
	c.eventually("nothing is written", func() bool {
		if now := c.customVersions(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
}

// customVersions are the resource versions of everything that is written for no-code integrations.
func (c *cluster) customVersions() string {
	c.t.Helper()
	var b strings.Builder
	for _, list := range []client.ObjectList{&v1alpha1.HTTPIntegrationList{}, &v1alpha1.IntegrationHubList{}, &corev1.ConfigMapList{}} {
		if err := c.api.List(c.t.Context(), list, client.InNamespace("default")); err != nil {
			c.t.Fatal(err)
		}
		items, err := meta.ExtractList(list)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, item := range items {
			o, err := meta.Accessor(item)
			if err != nil {
				c.t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s:%s ", o.GetName(), o.GetResourceVersion())
		}
	}
	return b.String()
}

// reconciles returns how often a controller reconciled successfully.
func (c *cluster) reconciles(controller string) int {
	r, err := http.Get("http://" + c.metrics + "/metrics")
	if err != nil {
		return 0
	}
	defer r.Body.Close()
	total := 0
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "} ")
		if strings.HasPrefix(name, `controller_runtime_reconcile_total{controller="`+controller+`"`) && !strings.Contains(name, `"error"`) {
			if n, err := strconv.Atoi(value); err == nil {
				total += n
			}
		}
	}
	return total
}
