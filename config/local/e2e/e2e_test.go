//go:build e2e

// Package e2e tests the whole way on a real cluster: what a platform engineer applies, what
// the operator makes of it, and what Looker then gets done.
package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
)

const (
	namespace = "looker"
	hubURL    = "https://actions.looker.svc"
	receiver  = "https://receiver.receiver.svc.cluster.local"
)

// cluster is the API server, shared by all tests.
var cluster client.Client

func TestMain(m *testing.M) {
	scheme, err := controllers.Scheme()
	if err == nil {
		cluster, err = client.New(ctrl.GetConfigOrDie(), client.Options{Scheme: scheme})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func secret(t *testing.T, namespace, name, key string) []byte {
	t.Helper()
	s := &corev1.Secret{}
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, s); err != nil {
		t.Fatal(err)
	}
	if len(s.Data[key]) == 0 {
		t.Fatalf("Secret %s has no %s", name, key)
	}
	return s.Data[key]
}

// looker is Looker: it has the token that the operator minted, and trusts one authority.
type looker struct {
	http  *http.Client
	token string
	base  string // where it reaches the hub
}

func newLooker(t *testing.T) *looker {
	t.Helper()
	return newLookerTrusting(t, authority(t))
}

// authority is the certificate of the one that everybody's certificate is from.
func authority(t *testing.T) []byte {
	t.Helper()
	return secret(t, "cert-manager", "local-ca", "tls.crt")
}

func newLookerTrusting(t *testing.T, authorities []byte) *looker {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		t.Fatal("the authority's certificate is no PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 16, Proxy: clusterProxy(t)}
	return &looker{
		http: &http.Client{Timeout: time.Minute, Transport: transport}, base: hubURL,
		token: string(secret(t, namespace, "actions-token", "token")),
	}
}

// clusterProxy is the way into a cluster of processes; nil where services and pods are reached directly.
func clusterProxy(t *testing.T) func(*http.Request) (*url.URL, error) {
	t.Helper()
	text := os.Getenv("CLUSTER_PROXY")
	if text == "" {
		return nil
	}
	proxy, err := url.Parse(text)
	if err != nil {
		t.Fatal("CLUSTER_PROXY is not a URL")
	}
	return http.ProxyURL(proxy)
}

// call posts to the hub and returns the status and the body.
func (l *looker) call(ctx context.Context, path string, body any) (int, []byte, error) {
	return l.ask(ctx, http.MethodPost, path, body)
}

// ask sends a request to the hub and returns the status and the body.
func (l *looker) ask(ctx context.Context, method, path string, body any) (int, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, l.base+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", `Token token="`+l.token+`"`)
	req.Header.Set("User-Agent", "LookerOutgoingWebhook/24.20.41")
	req.Header.Set("Content-Type", "application/json")
	res, err := l.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// outcome is what the hub answers to a delivery.
type outcome struct {
	Success bool
	Message string
}

// execute delivers by tray, and returns an error for anything but a proper answer.
func (l *looker) execute(ctx context.Context, hook string, more map[string]any) (outcome, error) {
	body := map[string]any{"type": "query", "form_params": map[string]string{"url": receiver + hook}}
	maps.Copy(body, more)
	return l.deliver(ctx, "tray", body)
}

// deliver delivers by an integration, and returns an error for anything but a proper answer.
func (l *looker) deliver(ctx context.Context, integration string, body map[string]any) (outcome, error) {
	status, answer, err := l.call(ctx, "/actions/"+integration+"/execute", body)
	if err != nil {
		return outcome{}, err
	}
	var o struct{ Looker *outcome }
	if err := json.Unmarshal(answer, &o); err != nil || status != http.StatusOK || o.Looker == nil {
		return outcome{}, fmt.Errorf("status %d, %s", status, answer)
	}
	return *o.Looker, nil
}

func inline(data []byte) map[string]any {
	return map[string]any{"attachment": map[string]string{"mimetype": "application/json", "extension": "json", "data": string(data)}}
}

func download(id, query string) map[string]any {
	return map[string]any{"scheduled_plan": map[string]string{"download_url": receiver + "/downloads/" + id + query}}
}

// delivery is what the receiver tells of one arrival.
type delivery struct {
	Path        string
	Header      http.Header
	ContentType string `json:"content_type"`
	Size        int
	Complete    bool
	Body        []byte
}

// receiverCall talks to the receiver by itself, past the hub.
func (l *looker) receiverCall(t *testing.T, method, path string, body []byte) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, receiver+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := l.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %v", method, path, res.StatusCode, err)
	}
	return answer
}

// arrivals are the deliveries to one address that came whole, with their bodies.
func (l *looker) arrivals(t *testing.T, hook string) []delivery {
	t.Helper()
	var all []delivery
	query := url.Values{"path": {hook}, "bodies": {"true"}}
	if err := json.Unmarshal(l.receiverCall(t, http.MethodGet, "/deliveries?"+query.Encode(), nil), &all); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(d delivery) bool { return !d.Complete })
}

// hub reads an IntegrationHub.
func hub(t *testing.T, name string) *v1alpha1.IntegrationHub {
	t.Helper()
	h := &v1alpha1.IntegrationHub{}
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, h); err != nil {
		t.Fatal(err)
	}
	return h
}

// eventually waits until f returns "".
func eventually(t *testing.T, within time.Duration, f func() string) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		problem := f()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", within, problem)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// waitReady waits until a hub is ready at its current generation, and its pods are replaced.
func waitReady(t *testing.T, name string) {
	t.Helper()
	eventually(t, 2*time.Minute, func() string {
		h := hub(t, name)
		c := meta.FindStatusCondition(h.Status.Conditions, v1alpha1.Ready)
		if c == nil || c.Status != metav1.ConditionTrue || c.ObservedGeneration != h.Generation {
			return fmt.Sprintf("%s is not ready: %+v", name, c)
		}
		if c := meta.FindStatusCondition(h.Status.Conditions, v1alpha1.Reconciling); c != nil {
			return fmt.Sprintf("%s is reconciling: %+v", name, c)
		}
		return ""
	})
}

// settled waits until the pods of the hub "actions" are those of its Deployment, once that
// changed from a generation, and until the old pods are gone. The hub's own generation does not
// count what its spec refers to, and the Deployment's status does not count pods that terminate:
// those accept requests for as long as a load balancer may send them some, with the settings that
// they started with.
func settled(t *testing.T, before int64) {
	t.Helper()
	eventually(t, 3*time.Minute, func() string {
		d := deployment(t, "actions")
		s, want := d.Status, *d.Spec.Replicas
		if d.Generation == before || s.ObservedGeneration < d.Generation {
			return fmt.Sprintf("the Deployment's change is not observed: generation %d after %d, observed %d", d.Generation, before, s.ObservedGeneration)
		}
		if got := [...]int32{s.UpdatedReplicas, s.AvailableReplicas, s.Replicas}; got != [...]int32{want, want, want} {
			return fmt.Sprintf("the pods are not replaced: %+v", s)
		}
		for _, p := range hubPods(t) {
			if p.DeletionTimestamp != nil {
				return fmt.Sprintf("pod %s is terminating", p.Name)
			}
		}
		return ""
	})
	waitReady(t, "actions")
}

// hubPods returns the pods of the hub "actions", those that terminate included.
func hubPods(t *testing.T) []corev1.Pod {
	t.Helper()
	pods := &corev1.PodList{}
	err := cluster.List(t.Context(), pods, client.InNamespace(namespace), client.MatchingLabels{"app.kubernetes.io/instance": "actions"})
	if err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

// edit changes a hub's spec.
func edit(t *testing.T, name string, change func(*v1alpha1.IntegrationHubSpec)) {
	t.Helper()
	h := hub(t, name)
	editObject(t, h, func() { change(&h.Spec) })
}

// editObject changes an object that was read or created before. It is a patch, because others write to
// the object, too, and an update would conflict with them.
func editObject(t *testing.T, object client.Object, change func()) {
	t.Helper()
	base := object.DeepCopyObject().(client.Object)
	change()
	if err := cluster.Patch(t.Context(), object, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
}

func contains(t *testing.T, what, text, want string) {
	t.Helper()
	if !strings.Contains(text, want) {
		t.Errorf("%s is %q, want it to contain %q", what, text, want)
	}
}
