package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// Metrics are served over HTTPS to clients that the API server knows and allows to get /metrics.
func TestMetricsNeedPermission(t *testing.T) {
	c := newCluster(t)
	stop := c.start("--metrics-secure=true")
	browser := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	scrape := func(token string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+c.metrics+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		r, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(text)
	}
	c.eventually("metrics are served", func() bool { // the manager makes its certificate first
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", c.metrics)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	if code, _ := scrape(""); code != http.StatusUnauthorized {
		t.Errorf("without a token: status %d, want 401", code)
	}
	if code, _ := scrape(c.serviceAccountToken("stranger")); code != http.StatusForbidden {
		t.Errorf("without permission: status %d, want 403", code)
	}
	c.create(&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "metrics-reader"}, Rules: []rbacv1.PolicyRule{
		{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}},
	}})
	c.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "metrics-reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "default", Name: "prometheus"}},
	})
	code, text := scrape(c.serviceAccountToken("prometheus"))
	if code != http.StatusOK || !strings.Contains(text, "controller_runtime_active_workers") {
		t.Errorf("with permission: status %d, %.200s", code, text)
	}
	if r, err := browser.Get("http://" + c.metrics + "/metrics"); err == nil {
		_ = r.Body.Close()
		if r.StatusCode == http.StatusOK {
			t.Error("metrics are served over plain HTTP")
		}
	}
	stop(syscall.SIGTERM)
}

// serviceAccountToken creates a ServiceAccount and returns a token for it.
func (c *cluster) serviceAccountToken(name string) string {
	c.t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: named(name)}
	c.create(account)
	request := &authenticationv1.TokenRequest{}
	if err := c.api.SubResource("token").Create(c.t.Context(), account, request); err != nil {
		c.t.Fatal(err)
	}
	return request.Status.Token
}

// The log has a line for each change, with what caused it, and each error once.
func TestLog(t *testing.T) {
	c := newCluster(t)
	stop := c.start("--pprof-address=" + c.freeAddress())
	c.create(&v1alpha1.IntegrationHub{ObjectMeta: named("hub"), Spec: v1alpha1.IntegrationHubSpec{
		TLS: v1alpha1.TLS{SecretName: "tls"},
	}})
	c.reason(v1alpha1.CredentialsReady, v1alpha1.Succeeded)
	service := &corev1.Service{ObjectMeta: named("hub")}
	c.eventually("the Service exists", func() bool {
		return c.api.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "hub"}, service) == nil
	})
	if err := c.api.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	restored := func() bool {
		return c.api.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "hub"}, &corev1.Service{}) == nil
	}
	c.eventually("the Service comes back", restored)
	stop(syscall.SIGTERM)
	log := c.log.String()
	for _, want := range []string{
		`"msg":"starting","version":`,
		`"msg":"created","namespace":"default","hub":"hub"`,
		`"kind":"Secret","object":"hub-service-secret","cause":"the hub was created"`,
		`"kind":"Service","object":"hub","cause":"the object did not exist"`,
		`"reason":"SecretNotFound"`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s", want)
		}
	}
	for _, unwanted := range []string{"!ERROR", `"level":"ERROR"`} {
		if strings.Contains(log, unwanted) {
			t.Errorf("the log has %s", unwanted)
		}
	}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "{") {
			t.Errorf("a line is not JSON: %s", line)
		}
	}
	if t.Failed() {
		t.Log(log)
	}
}

func TestVersionFlag(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--version")
	cmd.Env = append(os.Environ(), "BE_THE_MANAGER=yes")
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) == "" {
		t.Errorf("--version prints %q (%v)", out, err)
	}
}
