package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/controllertest"
)

// hubs is how many hubs there are.
var hubs = flag.Int("hubs", 1000, "hubs of BenchmarkManyHubs")

// Sizes of the benchmark.
const (
	namespaces = 20
	changes    = 100
	atRest     = 30 * time.Second
)

// BenchmarkManyHubs brings many hubs from nothing to ready, restarts the manager, changes some
// and then lets it rest. Cert-manager's and the kubelet's parts are played. It reports
//
//   - s/ready: seconds from the first hub's creation until the last one is ready;
//   - s/restart: seconds from the manager's start until it has looked at every hub;
//   - ms/change-p50, -p99: from a change of a spec to the changed Deployment;
//   - writes/min: writes to hubs and Deployments at rest;
//   - MiB: the manager's peak resident memory.
func BenchmarkManyHubs(b *testing.B) {
	for b.Loop() {
		c := newCluster(b)
		crds, err := controllertest.CertManagerCRDs(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		c.install(crds)
		for n := range namespaces {
			c.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace(n)}})
			c.create(&cmv1.Issuer{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace(n), Name: "ca"},
				Spec:       cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{CA: &cmv1.CAIssuer{SecretName: "ca"}}},
			})
		}
		stop := c.start("--namespaces", "")
		ctx, cancel := context.WithCancel(b.Context())
		go play(ctx, c)
		begin := time.Now()
		for n := range *hubs {
			c.create(&v1alpha1.IntegrationHub{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace(n), Name: hubName(n)},
				Spec:       v1alpha1.IntegrationHubSpec{TLS: v1alpha1.TLS{IssuerRef: &v1alpha1.IssuerRef{Name: "ca"}}},
			})
		}
		c.within(10*time.Minute, func() bool { return c.ready() == *hubs })
		b.ReportMetric(time.Since(begin).Seconds(), "s/ready")
		cancel()

		stop(syscall.SIGTERM)
		begin = time.Now()
		stop = c.start("--namespaces", "")
		c.create(&v1alpha1.IntegrationHub{ // the last in the queue
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace(0), Name: "last"},
			Spec:       v1alpha1.IntegrationHubSpec{TLS: v1alpha1.TLS{IssuerRef: &v1alpha1.IssuerRef{Name: "nowhere"}}},
		})
		c.within(5*time.Minute, func() bool {
			h := &v1alpha1.IntegrationHub{}
			err := c.api.Get(b.Context(), client.ObjectKey{Namespace: namespace(0), Name: "last"}, h)
			return err == nil && len(h.Status.Conditions) > 0
		})
		b.ReportMetric(time.Since(begin).Seconds(), "s/restart")

		took := c.change(b)
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/change-p50")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/change-p99")
		// What the changes began comes to its end first.
		c.within(time.Minute, func() bool {
			before := c.writes(2 * time.Second)
			return before == 0
		})
		b.ReportMetric(float64(c.writes(atRest))*float64(time.Minute/atRest), "writes/min")
		b.ReportMetric(peakMiB(b, c.pid), "MiB")
		b.ReportMetric(0, "ns/op")
		stop(syscall.SIGTERM)
	}
}

func namespace(n int) string { return fmt.Sprintf("team-%02d", n%namespaces) }

func hubName(n int) string { return fmt.Sprintf("hub-%04d", n) }

// play plays cert-manager and the kubelet for all hubs, until ctx ends.
func play(ctx context.Context, c *cluster) {
	tick := time.NewTicker(time.Second) // a list of thousands is work for the API server, too
	defer tick.Stop()
	for ; ctx.Err() == nil; <-tick.C {
		certificates := &cmv1.CertificateList{}
		if c.api.List(ctx, certificates) == nil {
			for i := range certificates.Items {
				if len(certificates.Items[i].Status.Conditions) == 0 {
					_ = controllertest.Issue(ctx, c.api, client.ObjectKeyFromObject(&certificates.Items[i])) // it is tried again
				}
			}
		}
		deployments := &appsv1.DeploymentList{}
		if c.api.List(ctx, deployments) == nil {
			for i := range deployments.Items {
				if d := &deployments.Items[i]; d.Status.ObservedGeneration < d.Generation {
					_ = controllertest.RunPods(ctx, c.api, client.ObjectKeyFromObject(d)) // it is tried again
				}
			}
		}
	}
}

// ready counts the hubs that are.
func (c *cluster) ready() int {
	list := &v1alpha1.IntegrationHubList{}
	if err := c.api.List(c.t.Context(), list); err != nil {
		c.t.Fatal(err)
	}
	n := 0
	for i := range list.Items {
		if meta.IsStatusConditionTrue(list.Items[i].Status.Conditions, v1alpha1.Ready) {
			n++
		}
	}
	return n
}

// change edits hubs, one after another, and measures how long their Deployments take.
func (c *cluster) change(b *testing.B) []time.Duration {
	b.Helper()
	w, err := c.api.Watch(b.Context(), &appsv1.DeploymentList{})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Stop()
	var took []time.Duration
	for n := range changes {
		h := &v1alpha1.IntegrationHub{ObjectMeta: metav1.ObjectMeta{Namespace: namespace(n), Name: hubName(n % *hubs)}}
		var begin time.Time
		if err := controllertest.Edit(b.Context(), c.api, h, func(h *v1alpha1.IntegrationHub) {
			h.Spec.Label = "Changed"
			begin = time.Now()
		}); err != nil {
			b.Fatal(err)
		}
		for e := range w.ResultChan() {
			d, ok := e.Object.(*appsv1.Deployment)
			if ok && e.Type == watch.Modified && d.Name == h.Name && d.Namespace == h.Namespace && d.Generation > 1 {
				break
			}
		}
		took = append(took, time.Since(begin))
	}
	return took
}

// writes counts what is written to hubs and Deployments for a while.
func (c *cluster) writes(d time.Duration) int64 {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), d)
	defer cancel()
	var n atomic.Int64
	for _, list := range []client.ObjectList{&v1alpha1.IntegrationHubList{}, &appsv1.DeploymentList{}} {
		if err := c.api.List(ctx, list); err != nil {
			c.t.Fatal(err)
		}
		w, err := c.api.Watch(ctx, list, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}})
		if err != nil {
			c.t.Fatal(err)
		}
		go func() {
			for e := range w.ResultChan() {
				if e.Type == watch.Modified || e.Type == watch.Added {
					n.Add(1)
				}
			}
		}()
	}
	<-ctx.Done()
	return n.Load()
}

func (c *cluster) within(d time.Duration, ok func() bool) {
	c.t.Helper()
	begin := time.Now()
	for ; !ok(); time.Sleep(500 * time.Millisecond) {
		if time.Since(begin) > d {
			c.t.Fatalf("it does not happen within %s", d)
		}
	}
}

// peakMiB is the most memory that a process had (Linux, proc(5), VmHWM).
func peakMiB(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(kib, "kB")), 64)
			if err != nil {
				b.Fatal(err)
			}
			return n / 1024
		}
	}
	b.Fatal("the system does not tell")
	return 0
}
