package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
)

// Sizes of BenchmarkLargeSecrets: what kubectl apply makes of Secrets with keystores.
const (
	largeSecrets = 150
	largeBytes   = 150_000
	settle       = 15 * time.Second
)

// BenchmarkLargeSecrets measures what Secrets cost that no hub uses. It reports the manager's resident
// memory without (MiB-before) and with them (MiB-after), after a restart each.
func BenchmarkLargeSecrets(b *testing.B) {
	for b.Loop() {
		c := newCluster(b)
		c.create(&v1alpha1.IntegrationHub{ObjectMeta: named("hub"), Spec: v1alpha1.IntegrationHubSpec{TLS: v1alpha1.TLS{SecretName: "tls"}}})
		before := c.residentAtRest(b)
		for n := range largeSecrets {
			value := make([]byte, largeBytes/2)
			_, _ = rand.Read(value) // never fails
			text := hex.EncodeToString(value)
			c.create(&corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: "default", Name: fmt.Sprintf("large-%03d", n),
					Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: text},
				},
				StringData: map[string]string{"keystore": text},
			})
		}
		after := c.residentAtRest(b)
		b.ReportMetric(before, "MiB-before")
		b.ReportMetric(after, "MiB-after")
		b.ReportMetric(0, "ns/op")
		if after-before > 5 {
			b.Errorf("the Secrets cost %.1f MiB, want 5 at most", after-before)
		}
	}
}

// residentAtRest starts a manager and returns its resident memory once it has reconciled the hub.
func (c *cluster) residentAtRest(b *testing.B) float64 {
	b.Helper()
	stop := c.start()
	c.reason(v1alpha1.CredentialsReady, v1alpha1.Succeeded)
	time.Sleep(settle)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid)) // Linux, proc(5)
	if err != nil {
		b.Fatal(err)
	}
	stop(syscall.SIGTERM)
	for line := range strings.SplitSeq(string(text), "\n") {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(kib, "kB")), 64)
			if err != nil {
				b.Fatal(err)
			}
			return n / 1024
		}
	}
	b.Fatal("/proc has no VmRSS")
	return 0
}
