package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/token"
)

func TestFromNothingToReady(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.reconcile()
	f.want(v1alpha1.CredentialsReady, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionUnknown, v1alpha1.Pending)
	f.want(v1alpha1.Exposed, metav1.ConditionUnknown, v1alpha1.Pending)
	f.want(v1alpha1.Serving, metav1.ConditionFalse, v1alpha1.NoPodReady)
	f.want(v1alpha1.CertificateReady, metav1.ConditionFalse, v1alpha1.CertificateNotReady)
	f.want(v1alpha1.DeploymentAvailable, metav1.ConditionFalse, v1alpha1.Pending)
	f.want(v1alpha1.Ready, metav1.ConditionFalse, v1alpha1.CertificateNotReady)
	f.want(v1alpha1.Reconciling, metav1.ConditionTrue, v1alpha1.CertificateNotReady)
	f.issue()
	f.reconcile()
	f.want(v1alpha1.DeploymentAvailable, metav1.ConditionFalse, v1alpha1.Progressing)
	f.runPods()
	f.reconcile()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	h := get(f, "hub", &v1alpha1.IntegrationHub{})
	if meta.FindStatusCondition(h.Status.Conditions, v1alpha1.Reconciling) != nil {
		t.Error("a ready hub is still reconciling")
	}
	want := v1alpha1.IntegrationHubStatus{
		ObservedGeneration: h.Generation,
		URL:                "https://hub." + f.namespace + ".svc",
		TokenSecretRef:     &v1alpha1.SecretKeyRef{Name: "hub-token", Key: "token"},
		ServiceSecretRef:   &v1alpha1.SecretKeyRef{Name: "hub-service-secret", Key: "secret"},
		Replicas:           2,
		ReadyReplicas:      2,
		Selector:           "app.kubernetes.io/instance=hub,app.kubernetes.io/name=integration-hub",
		// Checked by their own tests.
		Conditions: h.Status.Conditions, CertificateNotAfter: get(f, "hub", &cmv1.Certificate{}).Status.NotAfter,
	}
	if diff := cmp.Diff(want, h.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	service := get(f, "hub-service-secret", &corev1.Secret{}).Data["secret"]
	minted := string(get(f, "hub-token", &corev1.Secret{}).Data["token"])
	if len(service) < 32 || !token.Valid(minted, service) {
		t.Error("the token was not minted from the service secret")
	}
	pod := get(f, "hub", &appsv1.Deployment{}).Spec.Template.Spec
	type properties struct {
		Image                   string
		MountsToken, AnyUserRun bool
	}
	if diff := cmp.Diff(properties{Image: "hub:test"}, properties{
		Image: pod.Containers[0].Image, MountsToken: *pod.AutomountServiceAccountToken, AnyUserRun: !*pod.SecurityContext.RunAsNonRoot,
	}); diff != "" {
		t.Errorf("pod (-want +got):\n%s", diff)
	}
}

// At rest the operator writes nothing; otherwise its own writes would trigger reconciles endlessly.
func TestAtRestNothingIsWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	before, emitted := f.versions(), len(f.events.Events)
	for range 3 {
		f.reconcile()
	}
	if n := len(f.events.Events) - emitted; n > 0 {
		t.Errorf("%d events though nothing happened", n)
	}
	if diff := cmp.Diff(before, f.versions()); diff != "" {
		t.Errorf("resource versions changed (-before +after):\n%s", diff)
	}
}

// objects returns the objects of a hub.
func objects() map[string]client.Object {
	return map[string]client.Object{
		"hub-service-secret": &corev1.Secret{}, "hub-token": &corev1.Secret{},
		"certificate": &cmv1.Certificate{}, "deployment": &appsv1.Deployment{}, "service": &corev1.Service{},
		"service account": &corev1.ServiceAccount{}, "hub": &v1alpha1.IntegrationHub{},
	}
}

func (f *fixture) versions() map[string]string {
	f.t.Helper()
	v := map[string]string{}
	for what, o := range objects() {
		name := "hub"
		if _, ok := o.(*corev1.Secret); ok {
			name = what
		}
		v[what] = get(f, name, o).GetResourceVersion()
	}
	return v
}

// The reconciler is killed before each of its writes in turn, and a new one completes the hub.
func TestKilledAtEveryWrite(t *testing.T) {
	t.Parallel()
	killed := errors.New("killed")
	for n := range 12 {
		t.Run(fmt.Sprintf("before write %d", n+1), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.create(f.hub())
			writes := 0
			once := func() error {
				if writes++; writes > n {
					return killed
				}
				return nil
			}
			c := interceptor.NewClient(api, interceptor.Funcs{
				Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
					if err := once(); err != nil {
						return err
					}
					return c.Apply(ctx, o, opts...)
				},
				SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
					if err := once(); err != nil {
						return err
					}
					return c.SubResource(sub).Patch(ctx, o, p, opts...)
				},
			})
			for range 3 {
				_, _ = f.reconcileWith(c) // it fails: that is the point
				if apierrors.IsNotFound(api.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "hub"}, &cmv1.Certificate{})) {
					continue
				}
				f.issue()
			}
			secretBefore := &corev1.Secret{}
			found := api.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "hub-service-secret"}, secretBefore) == nil
			f.ready()
			if found && string(secretBefore.Data["secret"]) != string(get(f, "hub-service-secret", &corev1.Secret{}).Data["secret"]) {
				t.Error("the generated secret was overwritten")
			}
			f.versions() // everything is there
		})
	}
}

func TestMissingThings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, condition, reason string
		change                  func(*v1alpha1.IntegrationHubSpec)
		cure                    client.Object
	}{
		{
			name: "service secret", condition: v1alpha1.CredentialsReady, reason: v1alpha1.SecretNotFound,
			change: func(s *v1alpha1.IntegrationHubSpec) { s.ServiceSecretRef = &v1alpha1.SecretKeyRef{Name: "mine"} },
			cure:   &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine"}, StringData: map[string]string{"secret": "a-service-secret"}},
		},
		{
			name: "integration's secret", condition: v1alpha1.IntegrationsReady, reason: v1alpha1.SecretNotFound,
			change: func(s *v1alpha1.IntegrationHubSpec) {
				s.Integrations = []v1alpha1.Integration{{Name: "tray", SecretRef: &v1alpha1.SecretRef{Name: "mine"}}}
			},
			cure: &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine"}},
		},
		{
			name: "authorities", condition: v1alpha1.IntegrationsReady, reason: v1alpha1.ConfigMapNotFound,
			change: func(s *v1alpha1.IntegrationHubSpec) {
				s.Egress = &v1alpha1.Egress{CABundleRef: &v1alpha1.ConfigMapKeyRef{Name: "mine"}}
			},
			cure: &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "mine"}, Data: map[string]string{"ca.crt": "x"}},
		},
		{
			name: "pull secret", condition: v1alpha1.IntegrationsReady, reason: v1alpha1.SecretNotFound,
			change: func(s *v1alpha1.IntegrationHubSpec) { s.ImagePullSecrets = []v1alpha1.SecretRef{{Name: "mine"}} },
			cure:   &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine"}},
		},
		{
			name: "issuer", condition: v1alpha1.CertificateReady, reason: v1alpha1.IssuerNotFound,
			change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS.IssuerRef.Name = "mine" },
			cure:   &cmv1.Issuer{ObjectMeta: metav1.ObjectMeta{Name: "mine"}, Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.create(f.hub())
			f.ready()
			before := get(f, "hub", &appsv1.Deployment{}).Generation
			f.edit(tt.change)
			f.reconcile()
			f.want(tt.condition, metav1.ConditionFalse, tt.reason)
			f.want(v1alpha1.Ready, metav1.ConditionFalse, tt.reason)
			f.want(v1alpha1.Stalled, metav1.ConditionTrue, tt.reason)
			f.want(v1alpha1.DeploymentAvailable, metav1.ConditionTrue, v1alpha1.Succeeded)
			if get(f, "hub", &appsv1.Deployment{}).Generation != before {
				t.Error("the running pods were not left alone")
			}
			tt.cure.SetNamespace(f.namespace)
			f.create(tt.cure)
			f.reconcile()
			f.issue() // the Certificate may have changed with the issuer
			f.reconcile()
			if tt.condition == v1alpha1.IntegrationsReady {
				f.want(tt.condition, metav1.ConditionUnknown, v1alpha1.Pending) // no running hub reports here
				return
			}
			f.want(tt.condition, metav1.ConditionTrue, v1alpha1.Succeeded)
		})
	}
}

// Secrets created from files end with a newline, which the hub ignores too.
func TestServiceSecretWithLineEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.ServiceSecretRef = &v1alpha1.SecretKeyRef{Name: "mine"}
	f.create(h)
	f.create(&corev1.Secret{ObjectMeta: f.meta("mine"), StringData: map[string]string{"secret": "a-service-secret\n"}})
	f.reconcile()
	if !token.Valid(string(get(f, "hub-token", &corev1.Secret{}).Data["token"]), []byte("a-service-secret")) {
		t.Error("the hub will refuse this token")
	}
}

// The condition warns of issuers whose certificates Looker may not trust, and not of unknown ones.
func TestIssuers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		ref    v1alpha1.IssuerRef
		issuer cmv1.IssuerConfig
		hint   bool
	}{
		{name: "a private CA", ref: v1alpha1.IssuerRef{Name: "it"}, issuer: cmv1.IssuerConfig{CA: &cmv1.CAIssuer{SecretName: "ca"}}, hint: true},
		{name: "self-signed", ref: v1alpha1.IssuerRef{Name: "it"}, issuer: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}, hint: true},
		{name: "another kind", ref: v1alpha1.IssuerRef{Name: "it"}, issuer: cmv1.IssuerConfig{Vault: &cmv1.VaultIssuer{Server: "https://vault", Path: "x"}}, hint: false},
		{name: "an external issuer", ref: v1alpha1.IssuerRef{Name: "other", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}, issuer: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}, hint: false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.create(&cmv1.Issuer{ObjectMeta: f.meta("it"), Spec: cmv1.IssuerSpec{IssuerConfig: tt.issuer}})
			h := f.hub()
			h.Spec.TLS.IssuerRef = &tt.ref
			f.create(h)
			f.ready()
			c := meta.FindStatusCondition(get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions, v1alpha1.CertificateReady)
			if got := strings.Contains(c.Message, "a private CA"); got != tt.hint {
				t.Errorf("message %q", c.Message)
			}
		})
	}
}

// An issuer that is not ready explains a missing certificate.
func TestIssuerThatIsNotReady(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := get(f, "ca", &cmv1.Issuer{})
	i.Status.Conditions = []cmv1.IssuerCondition{{
		Type: cmv1.IssuerConditionReady, Status: cmmetav1.ConditionFalse, Reason: "ErrRegisterACMEAccount", Message: "no account",
	}}
	if err := api.Status().Update(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	f.create(f.hub())
	f.reconcile()
	f.want(v1alpha1.CertificateReady, metav1.ConditionFalse, v1alpha1.CertificateNotReady)
	if got, want := f.message(v1alpha1.CertificateReady), `Issuer "ca" of spec.tls.issuerRef is not ready: no account`; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	f.ready() // an existing certificate is valid, whatever the state of its issuer
}

// An expired certificate is reported, although no watch reports the expiry.
func TestCertificateExpires(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	result, err := f.reconcileWith(api)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.RequeueAfter.Round(20 * time.Minute); got != time.Hour {
		t.Errorf("requeue after %v, want the hour that the certificate is valid", result.RequeueAfter)
	}
	c := get(f, "hub", &cmv1.Certificate{})
	c.Status.NotAfter = new(metav1.NewTime(time.Now().Add(-time.Minute).Truncate(time.Second)))
	if err := api.Status().Update(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	f.want(v1alpha1.CertificateReady, metav1.ConditionFalse, v1alpha1.CertificateNotReady)
	if got, want := f.message(v1alpha1.Ready), "cert-manager did not renew the certificate, which has expired"; !strings.HasPrefix(got, want) {
		t.Errorf("message %q, want %q", got, want)
	}
	f.ready() // once it is renewed
}

// kubectl scale and autoscalers can scale the hub itself.
func TestScale(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	f.create(h)
	f.ready()
	scale := &autoscalingv1.Scale{}
	if err := api.SubResource("scale").Get(t.Context(), h, scale); err != nil {
		t.Fatal(err)
	}
	if scale.Status.Replicas != 2 || scale.Status.Selector != "app.kubernetes.io/instance=hub,app.kubernetes.io/name=integration-hub" {
		t.Errorf("scale %+v", scale.Status)
	}
	scale.Spec.Replicas = 3
	if err := api.SubResource("scale").Update(t.Context(), h, client.WithSubResourceBody(scale)); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	if n := *get(f, "hub", &appsv1.Deployment{}).Spec.Replicas; n != 3 {
		t.Errorf("%d replicas", n)
	}
}

// All integrations of a hub share one environment, so two values for one setting are refused.
func TestConflictingSettings(t *testing.T) {
	t.Parallel()
	settings := func(v string) map[string]v1alpha1.SettingValue {
		return map[string]v1alpha1.SettingValue{"A": v1alpha1.SettingValue(v)}
	}
	for _, tt := range []struct {
		name         string
		tray, zapier v1alpha1.Integration
		reason       string
	}{
		{name: "in the spec", tray: v1alpha1.Integration{Settings: settings("1")}, zapier: v1alpha1.Integration{Settings: settings("2")}, reason: v1alpha1.SettingsConflict},
		{name: "the same value", tray: v1alpha1.Integration{Settings: settings("1")}, zapier: v1alpha1.Integration{Settings: settings("1")}, reason: v1alpha1.Pending},
		{name: "one is off", tray: v1alpha1.Integration{Settings: settings("1")}, zapier: v1alpha1.Integration{Settings: settings("2"), Enabled: new(false)}, reason: v1alpha1.Pending},
		{
			name:   "in Secrets",
			tray:   v1alpha1.Integration{SecretRef: &v1alpha1.SecretRef{Name: "one"}},
			zapier: v1alpha1.Integration{SecretRef: &v1alpha1.SecretRef{Name: "two"}},
			reason: v1alpha1.SettingsConflict,
		},
		{
			name:   "in Secrets, with the same value",
			tray:   v1alpha1.Integration{SecretRef: &v1alpha1.SecretRef{Name: "one"}},
			zapier: v1alpha1.Integration{SecretRef: &v1alpha1.SecretRef{Name: "same"}},
			reason: v1alpha1.SettingsConflict,
		},
		{
			name:   "in Secrets, but not a setting",
			tray:   v1alpha1.Integration{SecretRef: &v1alpha1.SecretRef{Name: "one"}},
			zapier: v1alpha1.Integration{SecretRef: &v1alpha1.SecretRef{Name: "other"}},
			reason: v1alpha1.Pending,
		},
		{
			name:   "one Secret for both",
			tray:   v1alpha1.Integration{SecretRef: &v1alpha1.SecretRef{Name: "one"}},
			zapier: v1alpha1.Integration{SecretRef: &v1alpha1.SecretRef{Name: "one"}},
			reason: v1alpha1.Pending,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			for name, data := range map[string]map[string]string{
				"one": {"A": "1", "ACTION_HUB_SECRET": "x"}, "two": {"A": "2"}, "same": {"A": "1"}, "other": {"B": "1", "ACTION_HUB_SECRET": "y"},
			} {
				f.create(&corev1.Secret{ObjectMeta: f.meta(name), StringData: data})
			}
			h := f.hub()
			tt.tray.Name, tt.zapier.Name = "tray", "zapier"
			h.Spec.Integrations = []v1alpha1.Integration{tt.tray, tt.zapier}
			f.create(h)
			f.reconcile()
			status := metav1.ConditionFalse
			if tt.reason == v1alpha1.Pending { // no running hub reports here
				status = metav1.ConditionUnknown
			}
			f.want(v1alpha1.IntegrationsReady, status, tt.reason)
		})
	}
}

// cert-manager keeps the Secret of a deleted hub; the next hub of that name reuses it.
func TestCertificateSecretOfAFormerHub(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := &corev1.Secret{ObjectMeta: f.meta("hub-tls")}
	s.Annotations = map[string]string{cmv1.CertificateNameKey: "hub"}
	f.create(s)
	f.create(f.hub())
	f.ready()
}

func TestServiceSecretRotation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.ServiceSecretRef = &v1alpha1.SecretKeyRef{Name: "mine"}
	f.create(h)
	s := &corev1.Secret{ObjectMeta: f.meta("mine"), Data: map[string][]byte{"secret": []byte("first-service-secret")}}
	f.create(s)
	f.ready()
	checksum := get(f, "hub", &appsv1.Deployment{}).Spec.Template.Annotations[resources.ChecksumAnnotation]
	minted := func() string { return string(get(f, "hub-token", &corev1.Secret{}).Data["token"]) }
	first := minted()
	f.reconcile()
	if minted() != first {
		t.Error("the token changed though the secret did not")
	}
	s.Data = map[string][]byte{"secret": []byte("second-service-secret"), "previous": []byte("first-service-secret")}
	if err := api.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	if !token.Valid(minted(), []byte("second-service-secret")) {
		t.Error("the token is not of the new secret")
	}
	f.reconcile()
	if n := f.emitted(v1alpha1.TokenChanged); n != 1 {
		t.Errorf("%d events TokenChanged, want 1", n)
	}
	if got := get(f, "hub", &appsv1.Deployment{}).Spec.Template.Annotations[resources.ChecksumAnnotation]; got != checksum {
		t.Error("a secret that pods read again rolled them")
	}
}

// Tokens of a short or blank secret, or previous secret, could be guessed.
func TestWeakServiceSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.ServiceSecretRef = &v1alpha1.SecretKeyRef{Name: "mine"}
	f.create(h)
	s := &corev1.Secret{ObjectMeta: f.meta("mine")}
	f.create(s)
	long := []byte("0123456789abcdef")
	for name, data := range map[string]map[string][]byte{
		"missing":        {"other": long},
		"empty":          {"secret": {}},
		"short":          {"secret": []byte("123456789abcdef")},
		"padded":         {"secret": []byte("   secret         \n")},
		"blank":          {"secret": []byte("                      ")},
		"empty previous": {"secret": long, "previous": {}},
		"short previous": {"secret": long, "previous": []byte("first")},
	} {
		s.Data = data
		if err := api.Update(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		f.reconcile()
		f.want(v1alpha1.CredentialsReady, metav1.ConditionFalse, v1alpha1.SecretInvalid)
		f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.SecretInvalid)
		if m := f.message(v1alpha1.Stalled); !strings.Contains(m, "at least 16 characters") {
			t.Errorf("%s: message %q", name, m)
		}
	}
	s.Data = map[string][]byte{"secret": long, "previous": append(long, '\n')}
	if err := api.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.ready()
}

func TestChangedSettingsRollThePods(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.Integrations = []v1alpha1.Integration{{Name: "tray", SecretRef: &v1alpha1.SecretRef{Name: "settings"}}}
	f.create(h)
	s := &corev1.Secret{ObjectMeta: f.meta("settings"), Data: map[string][]byte{"A": []byte("1")}}
	f.create(s)
	f.ready()
	// what others annotate, such as kubectl rollout restart, stays
	d := get(f, "hub", &appsv1.Deployment{})
	d.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] = "now"
	if err := api.Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	before := maps.Clone(d.Spec.Template.Annotations)
	s.Data["A"] = []byte("2")
	if err := api.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	after := get(f, "hub", &appsv1.Deployment{}).Spec.Template.Annotations
	if after[resources.ChecksumAnnotation] == before[resources.ChecksumAnnotation] {
		t.Error("a changed Secret did not roll the pods")
	}
	if after["kubectl.kubernetes.io/restartedAt"] != "now" {
		t.Error("a third-party annotation was removed")
	}
}

func TestDeletedAndEditedChildrenComeBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	if err := api.Delete(t.Context(), get(f, "hub", &corev1.Service{})); err != nil {
		t.Fatal(err)
	}
	d := get(f, "hub", &appsv1.Deployment{})
	d.Spec.Template.Spec.Containers[0].Image = "evil:latest"
	if err := api.Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	get(f, "hub", &corev1.Service{})
	if got := get(f, "hub", &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Image; got != "hub:test" {
		t.Errorf("the image is %s", got)
	}
}

func TestNameTaken(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]client.Object{
		"service":              &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "hub"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}},
		"token":                &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "hub-token"}, StringData: map[string]string{"token": "theirs"}},
		"certificate":          &cmv1.Certificate{ObjectMeta: metav1.ObjectMeta{Name: "hub"}, Spec: cmv1.CertificateSpec{SecretName: "x", DNSNames: []string{"x"}, IssuerRef: cmmetav1.IssuerReference{Name: "x"}}},
		"certificate's secret": &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "hub-tls"}, StringData: map[string]string{"tls.key": "theirs"}},
		"service account":      &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "hub"}},
		"deployment": &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "hub"}, Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}},
			},
		}},
		"service secret": &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "hub-service-secret"}, StringData: map[string]string{"secret": "theirs"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			other.SetNamespace(f.namespace)
			f.create(other)
			before := other.GetResourceVersion()
			f.create(f.hub())
			f.reconcile()
			if cert := (&cmv1.Certificate{}); api.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "hub"}, cert) == nil && len(cert.OwnerReferences) > 0 {
				f.issue()
				f.reconcile()
			}
			f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.NameTaken)
			if get(f, other.GetName(), other).GetResourceVersion() != before {
				t.Error("another owner's object was changed")
			}
			// Objects of other owners are not watched.
			if result, err := f.reconcileWith(api); err != nil || result.RequeueAfter == 0 {
				t.Errorf("the name is not checked again: %v, %v", result, err)
			}
			if err := api.Delete(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			f.ready()
		})
	}
}
