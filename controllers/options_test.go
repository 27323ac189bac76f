package controllers_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/hubclient"
)

// Objects that the spec asks for are created, restored, and deleted when it no longer asks for them.
// Objects of other owners stay.
func TestOptionalObjects(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		object  client.Object
		on, off func(*v1alpha1.IntegrationHubSpec)
	}{
		{
			name: "Ingress", object: &networkingv1.Ingress{},
			on: func(s *v1alpha1.IntegrationHubSpec) {
				s.BaseURL = "https://hub.example.com"
				s.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{}}
			},
			off: func(s *v1alpha1.IntegrationHubSpec) { s.Exposure = nil },
		},
		{
			name: "HorizontalPodAutoscaler", object: &autoscalingv2.HorizontalPodAutoscaler{},
			on:  func(s *v1alpha1.IntegrationHubSpec) { s.Autoscaling = &v1alpha1.Autoscaling{MaxReplicas: 4} },
			off: func(s *v1alpha1.IntegrationHubSpec) { s.Autoscaling = nil },
		},
		{
			name: "PodDisruptionBudget", object: &policyv1.PodDisruptionBudget{},
			on:  func(*v1alpha1.IntegrationHubSpec) {},
			off: func(s *v1alpha1.IntegrationHubSpec) { s.Replicas = new(int32(1)) },
		},
		{
			name: "NetworkPolicy", object: &networkingv1.NetworkPolicy{},
			on:  func(s *v1alpha1.IntegrationHubSpec) { s.NetworkPolicy = &v1alpha1.NetworkPolicy{} },
			off: func(s *v1alpha1.IntegrationHubSpec) { s.NetworkPolicy = nil },
		},
		{
			name: "ServiceAccount", object: &corev1.ServiceAccount{},
			on:  func(*v1alpha1.IntegrationHubSpec) {},
			off: func(s *v1alpha1.IntegrationHubSpec) { s.ServiceAccount = &v1alpha1.ServiceAccount{Name: "default"} },
		},
		{
			name: "Certificate", object: &cmv1.Certificate{},
			on: func(*v1alpha1.IntegrationHubSpec) {},
			off: func(s *v1alpha1.IntegrationHubSpec) {
				s.TLS = v1alpha1.TLS{TerminatedElsewhere: true}
				s.BaseURL = "https://hub.example.com"
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.policy.Default.ServiceAccounts = []string{"default"}
			h := f.hub()
			tt.on(&h.Spec)
			f.create(h)
			f.ready()
			made := get(f, "hub", tt.object)
			before := made.GetResourceVersion()
			f.reconcile()
			if v := get(f, "hub", tt.object).GetResourceVersion(); v != before {
				t.Errorf("it is written though nothing changed: %s, then %s", before, v)
			}
			if err := api.Delete(t.Context(), tt.object); err != nil {
				t.Fatal(err)
			}
			f.reconcile()
			get(f, "hub", tt.object) // it was restored
			f.issue()
			f.edit(tt.off)
			f.reconcile()
			if err := api.Get(t.Context(), f.key(), tt.object); !apierrors.IsNotFound(err) {
				t.Errorf("it stayed: %v", err)
			}
			f.reconcile() // a missing object is no error
		})
	}
}

// An object with the name of a disabled part is left alone.
func TestOtherOwnersObjectStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(&networkingv1.NetworkPolicy{ObjectMeta: f.meta("hub")})
	f.create(f.hub())
	f.ready()
	get(f, "hub", &networkingv1.NetworkPolicy{})
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.NetworkPolicy = &v1alpha1.NetworkPolicy{} })
	f.reconcile()
	f.want(v1alpha1.DeploymentAvailable, metav1.ConditionFalse, v1alpha1.NameTaken)
}

// Enabling autoscaling keeps the number of pods, which the autoscaler then owns.
func TestAutoscalingTakesOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.Replicas = new(int32(3))
	f.create(h)
	f.reconcile()
	f.issue()
	f.reconcile()
	replicas := func() int32 { return *get(f, "hub", &appsv1.Deployment{}).Spec.Replicas }
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Autoscaling = &v1alpha1.Autoscaling{MaxReplicas: 10} })
	f.reconcile()
	if n := replicas(); n != 3 {
		t.Fatalf("%d pods after autoscaling began, want the 3 that there were", n)
	}
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 7}}
	d := get(f, "hub", &appsv1.Deployment{})
	if err := api.SubResource("scale").Update(t.Context(), d, client.WithSubResourceBody(scale)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f.reconcile()
	}
	if n := replicas(); n != 7 {
		t.Errorf("%d pods: the operator fights the autoscaler, which asked for 7", n)
	}
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Autoscaling, s.Replicas = nil, new(int32(2)) })
	f.reconcile()
	if n := replicas(); n != 2 {
		t.Errorf("%d pods after autoscaling ended, want 2", n)
	}
}

// A user-provided certificate is checked before pods use it.
func TestUserProvidedCertificate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.TLS = v1alpha1.TLS{SecretName: "mine"}
	h.Spec.BaseURL = "https://hub.example.com"
	f.create(h)
	f.reconcile()
	f.want(v1alpha1.CertificateReady, metav1.ConditionFalse, v1alpha1.SecretNotFound)
	s := &corev1.Secret{ObjectMeta: f.meta("mine"), Data: map[string][]byte{"tls.crt": []byte("x")}}
	f.create(s)
	for _, step := range []struct {
		host    string
		end     time.Duration
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		{host: "", end: 0, status: metav1.ConditionFalse, reason: v1alpha1.SecretInvalid, message: "is not valid: tls.crt and tls.key"},
		{host: "other.example.com", end: time.Hour, status: metav1.ConditionFalse, reason: v1alpha1.SecretInvalid, message: "is not valid for hub.example.com"},
		{host: "hub.example.com", end: -time.Hour, status: metav1.ConditionFalse, reason: v1alpha1.SecretInvalid, message: "expired"},
		{host: "hub.example.com", end: time.Hour, status: metav1.ConditionTrue, reason: v1alpha1.Succeeded, message: "Secret mine"},
	} {
		if step.host != "" {
			s.Data = keyPair(t, step.host, time.Now().Add(step.end))
			if err := api.Update(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		f.reconcile()
		f.want(v1alpha1.CertificateReady, step.status, step.reason)
		if c := meta.FindStatusCondition(get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions, v1alpha1.CertificateReady); !strings.Contains(c.Message, step.message) {
			t.Errorf("message %q, want %q", c.Message, step.message)
		}
	}
	if get(f, "hub", &v1alpha1.IntegrationHub{}).Status.CertificateNotAfter == nil {
		t.Error("certificateNotAfter is not set")
	}
	if volumes := get(f, "hub", &appsv1.Deployment{}).Spec.Template.Spec.Volumes; volumes[len(volumes)-1].Secret.SecretName != "mine" {
		t.Errorf("the pods do not mount it: %+v", volumes)
	}
}

func keyPair(t *testing.T, host string, end time.Time) map[string][]byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: end.Add(-2 * time.Hour), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}),
	}
}

// An invalid pod template is reported, and running pods are left unchanged.
func TestPodTemplate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.policy.Default.AnyPodTemplate = new(true)
	f.create(f.hub())
	f.ready()
	before := get(f, "hub", &appsv1.Deployment{}).Generation
	for text, message := range map[string]string{
		`{"spec":{"hostNework":true}}`:                               `unknown field "hostNework"`,
		`{"spec":{"containers":[{"name":"hub","env":"x"}]}}`:         "env",
		`{"spec":{"containers":[{"name":"hub","$patch":"delete"}]}}`: `removes the container "hub"`,
		`{"spec":null}`: "removes",
	} {
		f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.PodTemplate = &runtime.RawExtension{Raw: []byte(text)} })
		f.reconcile()
		f.want(v1alpha1.DeploymentAvailable, metav1.ConditionFalse, v1alpha1.PodTemplateInvalid)
		c := meta.FindStatusCondition(get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions, v1alpha1.Ready)
		if !strings.Contains(c.Message, message) {
			t.Errorf("%s: %q, want %q", text, c.Message, message)
		}
	}
	if v := get(f, "hub", &appsv1.Deployment{}).Generation; v != before {
		t.Error("the running pods were not left alone")
	}
	f.edit(func(s *v1alpha1.IntegrationHubSpec) {
		s.PodTemplate = &runtime.RawExtension{Raw: []byte(`{"metadata":{"annotations":{"a":"b"}},"spec":{"hostAliases":[{"ip":"10.0.0.1","hostnames":["looker"]}]}}`)}
	})
	f.reconcile()
	template := get(f, "hub", &appsv1.Deployment{}).Spec.Template
	if template.Annotations["a"] != "b" || len(template.Spec.HostAliases) != 1 {
		t.Errorf("the template was not merged: %+v", template)
	}
}

// A paused hub is left as it is; it catches up afterwards.
func TestPaused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	before := f.versions()
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Paused, s.Label = true, "Another" })
	for range 2 {
		f.reconcile()
	}
	after := f.versions()
	delete(before, "hub")
	delete(after, "hub")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a paused hub was changed (-before +after):\n%s", diff)
	}
	f.want(v1alpha1.Paused, metav1.ConditionTrue, v1alpha1.SpecPaused)
	if h := get(f, "hub", &v1alpha1.IntegrationHub{}); h.Status.ObservedGeneration != h.Generation {
		t.Errorf("observedGeneration %d of a paused hub, want %d", h.Status.ObservedGeneration, h.Generation)
	}
	if n := f.emitted(v1alpha1.SpecPaused); n != 1 {
		t.Errorf("%d events SpecPaused, want 1", n)
	}
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Paused = false })
	f.reconcile()
	if n := f.emitted(v1alpha1.Resumed); n != 1 {
		t.Errorf("%d events Resumed, want 1", n)
	}
	if meta.FindStatusCondition(get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions, v1alpha1.Paused) != nil {
		t.Error("it is still called paused")
	}
	if get(f, "hub", &appsv1.Deployment{}).ResourceVersion == before["deployment"] {
		t.Error("what changed meanwhile was forgotten")
	}
}

// A load balancer's address is waited for.
func TestLoadBalancer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.Exposure = &v1alpha1.Exposure{Service: &v1alpha1.ServiceExposure{Type: corev1.ServiceTypeLoadBalancer}}
	f.create(h)
	f.reconcile()
	f.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.AddressPending)
	s := get(f, "hub", &corev1.Service{})
	s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
	if err := api.Status().Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.ready()
	f.want(v1alpha1.Exposed, metav1.ConditionTrue, v1alpha1.Succeeded)
}

// The key of the hub that this one takes over from must be one.
func TestCipherSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.CipherSecretRef = &v1alpha1.SecretKeyRef{Name: "cipher", Key: "CIPHER_MASTER"}
	f.create(h)
	f.reconcile()
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.SecretNotFound)
	s := &corev1.Secret{ObjectMeta: f.meta("cipher"), StringData: map[string]string{"CIPHER_MASTER": "short"}}
	f.create(s)
	f.reconcile()
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.SecretInvalid)
	s.StringData = map[string]string{"CIPHER_MASTER": strings.Repeat("0f", 32)}
	if err := api.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.ready()
}

// A hub that takes over from another one does not start without the key for users' tokens only
// because an integration's Secret is no place for it.
func TestReservedVariablesInSecrets(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.Integrations = []v1alpha1.Integration{{Name: "airtable", SecretRef: &v1alpha1.SecretRef{Name: "env"}}}
	f.create(h)
	f.create(&corev1.Secret{ObjectMeta: f.meta("env"), StringData: map[string]string{
		"CIPHER_MASTER": strings.Repeat("0f", 32), "ENCRYPT_PAYLOAD": "true", "ENCRYPT_PAYLOAD_DROPBOX": "false",
		"https_proxy": "http://evil.example:3128", "AIRTABLE_CLIENT_ID": "id", "ACTION_HUB_SECRET": "x",
	}})
	for _, step := range []struct {
		field string
		cure  func(*v1alpha1.IntegrationHubSpec)
	}{
		{"spec.cipherSecretRef", func(s *v1alpha1.IntegrationHubSpec) {
			s.CipherSecretRef = &v1alpha1.SecretKeyRef{Name: "env", Key: "CIPHER_MASTER"}
		}},
		{"spec.encryptUserState", func(s *v1alpha1.IntegrationHubSpec) { s.EncryptUserState = true }},
	} {
		f.reconcile()
		f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.SettingReserved)
		if m := f.message(v1alpha1.Stalled); !strings.Contains(m, step.field) {
			t.Errorf("message %q, want %s", m, step.field)
		}
		f.edit(step.cure)
	}
	f.ready()
	fromSecret := map[string]bool{}
	for _, e := range get(f, "hub", &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Env {
		switch e.Name {
		case "CIPHER_MASTER", "ENCRYPT_PAYLOAD", "AIRTABLE_CLIENT_ID", "https_proxy":
			fromSecret[e.Name] = e.ValueFrom != nil
		}
	}
	want := map[string]bool{"CIPHER_MASTER": true, "ENCRYPT_PAYLOAD": false, "AIRTABLE_CLIENT_ID": true} // and no https_proxy
	if diff := cmp.Diff(want, fromSecret); diff != "" {
		t.Errorf("variables, and whether they come from a Secret (-want +got):\n%s", diff)
	}
}

// A proxy and a project of Sentry's are in Secrets; pods are rolled when those change, and
// left alone while they are missing.
func TestProxyAndSentrySecrets(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.Egress = &v1alpha1.Egress{Proxy: &v1alpha1.Proxy{SecretRef: v1alpha1.SecretRef{Name: "proxy"}}}
	h.Spec.Sentry = &v1alpha1.Sentry{DSNSecretRef: v1alpha1.SecretKeyRef{Name: "sentry", Key: "dsn"}}
	f.create(h)
	f.reconcile()
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.SecretNotFound)
	dsn := &corev1.Secret{ObjectMeta: f.meta("sentry"), StringData: map[string]string{"dsn": ""}}
	f.create(dsn)
	proxy := &corev1.Secret{ObjectMeta: f.meta("proxy"), StringData: map[string]string{"NO_PROXY": "example.com"}}
	f.create(proxy)
	for _, s := range []struct {
		secret     *corev1.Secret
		key, value string
	}{{secret: dsn, key: "dsn", value: "https://key@sentry.example.com/1"}, {secret: proxy, key: "HTTP_PROXY", value: "http://proxy.example.com:3128"}} {
		f.reconcile()
		f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.SecretInvalid)
		s.secret.StringData = map[string]string{s.key: s.value}
		if err := api.Update(t.Context(), s.secret); err != nil {
			t.Fatal(err)
		}
	}
	f.ready()
	before := get(f, "hub", &appsv1.Deployment{}).Spec.Template.Annotations
	proxy.StringData = map[string]string{"HTTP_PROXY": "http://other.example.com:3128"}
	if err := api.Update(t.Context(), proxy); err != nil {
		t.Fatal(err)
	}
	f.ready()
	if diff := cmp.Diff(before, get(f, "hub", &appsv1.Deployment{}).Spec.Template.Annotations); diff == "" {
		t.Error("pods are not rolled for another proxy")
	}
}

// readyPod is a pod of the hub that can be asked.
func (f *fixture) readyPod(name string) {
	f.t.Helper()
	f.create(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: f.namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/name": "integration-hub", "app.kubernetes.io/instance": "hub"},
		},
		Spec: get(f, "hub", &appsv1.Deployment{}).Spec.Template.Spec,
	})
	pod := get(f, name, &corev1.Pod{})
	pod.Status.PodIP, pod.Status.PodIPs = "192.0.2.1", []corev1.PodIP{{IP: "192.0.2.1"}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := api.Status().Update(f.t.Context(), pod); err != nil {
		f.t.Fatal(err)
	}
}

// inspector returns the same report for every hub.
type inspector struct {
	report hubclient.Report
	// versions are those of pods with others than the report's.
	versions map[string]string
	err      error
	// accepts says which pods accept the current service secret; nil: all do.
	accepts func(pod string) bool
}

func (i inspector) AcceptsSecret(_ context.Context, pod *corev1.Pod, _ []byte) (bool, error) {
	return i.accepts == nil || i.accepts(pod.Name), i.err
}

func (i inspector) Inspect(_ context.Context, pod *corev1.Pod) (hubclient.Report, error) {
	report := i.report
	if v := i.versions[pod.Name]; v != "" {
		report.Version = v
	}
	return report, i.err
}

// What a running hub reports is in the status; an integration that was asked for and is not
// offered is reported with its reason.
func TestInspection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.Integrations = []v1alpha1.Integration{{Name: "airtable"}, {Name: "tray"}}
	f.create(h)
	f.ready()
	f.readyPod("hub-1")
	var report hubclient.Report
	report.Version = "v1.2.3"
	report.Integrations.On = []string{"tray"}
	report.Integrations.Off = map[string]string{"airtable": "missing settings: AIRTABLE_CLIENT_ID", "slack_app": "not enabled"}
	inspect := func(i inspector) v1alpha1.IntegrationHubStatus {
		r := &controllers.Reconciler{Client: api, APIReader: api, Recorder: f.events, HubImage: "hub:test", Hubs: i}
		if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()}); err != nil {
			t.Fatal(err)
		}
		return get(f, "hub", &v1alpha1.IntegrationHub{}).Status
	}
	got := inspect(inspector{report: report})
	want := []v1alpha1.IntegrationStatus{{Name: "airtable", Reason: "missing settings: AIRTABLE_CLIENT_ID"}, {Name: "tray", Offered: true}}
	if diff := cmp.Diff(want, got.Integrations); diff != "" || got.ObservedVersion != "v1.2.3" {
		t.Errorf("version %q, integrations (-want +got):\n%s", got.ObservedVersion, diff)
	}
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.SettingsMissing)
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	if n := f.emitted(v1alpha1.SettingsMissing); n != 1 {
		t.Errorf("%d events SettingsMissing, want 1", n)
	}
	again := get(f, "hub", &v1alpha1.IntegrationHub{}).ResourceVersion
	time.Sleep(1100 * time.Millisecond) // conditions tell their time in seconds
	inspect(inspector{report: report})
	if v := get(f, "hub", &v1alpha1.IntegrationHub{}).ResourceVersion; v != again {
		t.Error("the same report was written twice")
	}
	if got := inspect(inspector{err: http.ErrServerClosed}); got.ObservedVersion != "v1.2.3" {
		t.Errorf("a hub that cannot be asked was forgotten: %+v", got)
	}
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.SettingsMissing)
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Integrations = s.Integrations[1:] })
	f.reconcile()
	f.runPods()
	inspect(inspector{err: http.ErrServerClosed})
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
}

// The version is that of all ready pods, or all of theirs.
func TestObservedVersion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	for _, name := range []string{"hub-1", "hub-2", "hub-3"} {
		f.readyPod(name)
	}
	i := inspector{report: hubclient.Report{Version: "v1.3.0"}, versions: map[string]string{"hub-2": "v1.2.0"}}
	for want, versions := range map[string]map[string]string{
		"v1.2.0, v1.3.0": {"hub-2": "v1.2.0"}, "v1.3.0": nil, "v1.2.0": {"hub-1": "v1.2.0", "hub-2": "v1.2.0", "hub-3": "v1.2.0"},
	} {
		i.versions = versions
		r := &controllers.Reconciler{Client: api, APIReader: api, Recorder: f.events, HubImage: "hub:test", Hubs: i}
		if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()}); err != nil {
			t.Fatal(err)
		}
		if got := get(f, "hub", &v1alpha1.IntegrationHub{}).Status.ObservedVersion; got != want {
			t.Errorf("version %q, want %q", got, want)
		}
	}
}

// Long messages are truncated to the limits of conditions and of events.
func TestLongMessages(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	i := inspector{report: hubclient.Report{Version: "v1.2.3"}}
	i.report.Integrations.Off = map[string]string{}
	for _, name := range []v1alpha1.IntegrationName{"airtable", "braze", "debug", "discord", "dropbox", "email", "firebase", "kloudio", "marketo", "mparticle"} {
		h.Spec.Integrations = append(h.Spec.Integrations, v1alpha1.Integration{Name: name})
		i.report.Integrations.Off[string(name)] = "missing settings: " + strings.Repeat("ä", 1000)
	}
	f.create(h)
	f.ready()
	f.readyPod("hub-1")
	for len(f.events.Events) > 0 {
		<-f.events.Events
	}
	r := &controllers.Reconciler{Client: api, APIReader: api, Recorder: f.events, HubImage: "hub:test", Hubs: i}
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()}); err != nil {
		t.Fatal(err)
	}
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.SettingsMissing)
	wantTruncated(t, f.message(v1alpha1.IntegrationsReady), 4096)
	wantTruncated(t, strings.TrimPrefix(<-f.events.Events, "Warning SettingsMissing "), 1024)
}

func wantTruncated(t *testing.T, text string, maxBytes int) {
	t.Helper()
	type properties struct{ Fits, Marked, Valid bool }
	got := properties{Fits: len(text) <= maxBytes, Marked: strings.HasSuffix(text, "…"), Valid: utf8.ValidString(text)}
	if diff := cmp.Diff(properties{Fits: true, Marked: true, Valid: true}, got); diff != "" {
		t.Errorf("a text of %d bytes, limit %d (-want +got):\n%s\n%s", len(text), maxBytes, diff, text)
	}
}
