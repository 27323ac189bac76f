package controllers_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/controllertest"
)

// message returns the message of a condition of the hub.
func (f *fixture) message(condition string) string {
	f.t.Helper()
	c := meta.FindStatusCondition(get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions, condition)
	if c == nil {
		f.t.Fatalf("there is no condition %s", condition)
	}
	return c.Message
}

// A failure's message contains the operation, the API server's error and a hint; Ready reports it before
// what only takes time, such as starting pods.
func TestFailures(t *testing.T) {
	t.Parallel()
	controllertest.NeedPrograms(t, controllertest.APIServer...)
	services := schema.GroupResource{Resource: "services"}
	stranger := rest.CopyConfig(apiConfig)
	stranger.Impersonate.UserName = "system:serviceaccount:integration-hub-system:integration-hub-manager"
	without, err := clientOf(stranger)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		err    error // nil: the API server refuses the request
		error  string
		advice string
	}{
		{name: "a missing permission", error: `services "hub" is forbidden: User "system:serviceaccount:`, advice: "update its roles"},
		{
			name:   "a webhook that is down",
			err:    apierrors.NewInternalError(errors.New(`failed calling webhook "policy.example.com": failed to call webhook: Post "https://policy.example.svc:443/": read tcp 10.0.0.1:43210->10.0.0.2:443: i/o timeout`)),
			error:  `webhook "policy.example.com": failed to call webhook: Post "https://policy.example.svc:443/": read tcp 10.0.0.2:443: i/o timeout.`,
			advice: "An admission webhook of the cluster is not responding",
		},
		{
			name:  "a policy",
			err:   &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Message: `admission webhook "policy.example.com" denied the request: Services need an owner`}},
			error: "Services need an owner.", advice: "Change the spec, or the policy",
		},
		{
			name:  "an admission policy refuses it",
			err:   &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Message: `ValidatingAdmissionPolicy "labels" with binding "labels" denied request: Services need an owner`}},
			error: "Services need an owner.", advice: "Change the spec, or the policy",
		},
		{name: "a quota", err: apierrors.NewForbidden(services, "hub", errors.New("exceeded quota: small")), error: "exceeded quota: small.", advice: "Raise the namespace's quota"},
		{name: "a namespace that is being deleted", err: apierrors.NewForbidden(services, "hub", errors.New("because it is being terminated")), error: "terminated.", advice: "the hub with it"},
		{name: "an overloaded API server", err: apierrors.NewTooManyRequestsError("too many requests"), error: "too many requests.", advice: "overloaded"},
		{name: "a starting API server", err: apierrors.NewServiceUnavailable("not yet"), error: "not yet.", advice: "overloaded or starting"},
		{name: "another error", err: errors.New("disk full"), error: "disk full. The operator", advice: "retries automatically"},
		{name: "a long error", err: errors.New(strings.Repeat("x", 5000)), error: "xxx… The operator", advice: "retries automatically"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.create(f.hub())
			c := interceptor.NewClient(api, interceptor.Funcs{
				Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
					if _, ok := o.(*corev1ac.ServiceApplyConfiguration); ok {
						if c = without; tt.err != nil {
							return tt.err
						}
					}
					return c.Apply(ctx, o, opts...)
				},
			})
			for range 2 {
				if _, err := f.reconcileWith(c); err == nil {
					t.Error("no error, so the reconcile is not retried")
				}
				f.issue()
			}
			if _, err := f.reconcileWith(c); err == nil {
				t.Error("no error, so the reconcile is not retried")
			}
			f.want(v1alpha1.DeploymentAvailable, metav1.ConditionFalse, v1alpha1.Progressing)
			f.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.ReconcileFailed)
			f.want(v1alpha1.Ready, metav1.ConditionFalse, v1alpha1.ReconcileFailed)
			got := f.message(v1alpha1.Ready)
			for _, want := range []string{"Applying Service hub: ", tt.error, tt.advice} {
				if !strings.Contains(got, want) {
					t.Errorf("message %q, want %q", got, want)
				}
			}
			before := get(f, "hub", &v1alpha1.IntegrationHub{}).ResourceVersion
			_, _ = f.reconcileWith(c) // it fails again
			if now := get(f, "hub", &v1alpha1.IntegrationHub{}).ResourceVersion; now != before {
				t.Error("the status is written again for the same failure")
			}
		})
	}
}

// A cluster without free Service addresses is reported, and the Service is created once one is free.
func TestNoServiceAddressLeft(t *testing.T) {
	t.Parallel()
	controllertest.NeedPrograms(t, controllertest.APIServer...)
	certManager, err := controllertest.CertManagerCRDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	env := controllertest.Environment(hubCRDs, certManager)
	env.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", "10.0.0.0/29") // the smallest
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	small, err := clientOf(config)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixtureOn(t, small)
	f.createIssuer()
	for n := 0; ; n++ {
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "taken", GenerateName: "taken-"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
		if n > 0 {
			s.Name = ""
		}
		if err := small.Create(t.Context(), s); err != nil {
			break // the range is full
		}
	}
	f.create(f.hub())
	if _, err := f.reconcileWith(small); err == nil {
		t.Error("no error, so the reconcile is not retried")
	}
	f.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.ReconcileFailed)
	const want = `Applying Service hub: Internal error occurred: failed to allocate a serviceIP for Service "hub": range is full. The cluster has no free Service addresses: delete unused Services, or add a range (kubectl get servicecidrs). The operator retries automatically.`
	if got := f.message(v1alpha1.Exposed); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if err := small.Delete(t.Context(), get(f, "taken", &corev1.Service{})); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	get(f, "hub", &corev1.Service{})
	f.want(v1alpha1.Exposed, metav1.ConditionUnknown, v1alpha1.Pending) // no pod runs here
}
