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

// message is what a condition of the hub says.
func (f *fixture) message(condition string) string {
	f.t.Helper()
	c := meta.FindStatusCondition(get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions, condition)
	if c == nil {
		f.t.Fatalf("there is no condition %s", condition)
	}
	return c.Message
}

// An error tells what was being done, what came of it and what to do; and it goes before what
// only takes time, such as pods that start.
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
		err    error // nil has the API server refuse
		says   string
		advice string
	}{
		{name: "a right that the operator lacks", says: `services "hub" is forbidden: User "system:serviceaccount:`, advice: "update its roles"},
		{
			name:   "a webhook that does not answer",
			err:    apierrors.NewInternalError(errors.New(`failed calling webhook "policy.example.com": failed to call webhook: Post "https://policy.example.svc:443/": read tcp 10.0.0.1:43210->10.0.0.2:443: i/o timeout`)),
			says:   `webhook "policy.example.com": failed to call webhook: Post "https://policy.example.svc:443/": read tcp 10.0.0.2:443: i/o timeout.`,
			advice: "An admission webhook of the cluster is not responding",
		},
		{
			name: "a policy",
			err:  &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Message: `admission webhook "policy.example.com" denied the request: Services need an owner`}},
			says: "Services need an owner.", advice: "change the spec, or the policy",
		},
		{name: "a quota", err: apierrors.NewForbidden(services, "hub", errors.New("exceeded quota: small")), says: "exceeded quota: small.", advice: "Raise the namespace's quota"},
		{name: "a namespace that goes", err: apierrors.NewForbidden(services, "hub", errors.New("because it is being terminated")), says: "terminated.", advice: "the hub with it"},
		{name: "an overload", err: apierrors.NewTooManyRequestsError("too many requests"), says: "too many requests.", advice: "overloaded"},
		{name: "a start", err: apierrors.NewServiceUnavailable("not yet"), says: "not yet.", advice: "overloaded or starting"},
		{name: "something else", err: errors.New("disk full"), says: "disk full. The operator", advice: "retries automatically"},
		{name: "much text", err: errors.New(strings.Repeat("x", 5000)), says: "xxx… The operator", advice: "retries automatically"},
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
					t.Error("no error, so nothing tries again")
				}
				f.issue()
			}
			if _, err := f.reconcileWith(c); err == nil {
				t.Error("no error, so nothing tries again")
			}
			f.want(v1alpha1.DeploymentAvailable, metav1.ConditionFalse, v1alpha1.Progressing)
			f.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.ReconcileFailed)
			f.want(v1alpha1.Ready, metav1.ConditionFalse, v1alpha1.ReconcileFailed)
			got := f.message(v1alpha1.Ready)
			for _, want := range []string{"Applying Service hub: ", tt.says, tt.advice} {
				if !strings.Contains(got, want) {
					t.Errorf("message %q, want %q", got, want)
				}
			}
			before := get(f, "hub", &v1alpha1.IntegrationHub{}).ResourceVersion
			_, _ = f.reconcileWith(c) // it fails again
			if now := get(f, "hub", &v1alpha1.IntegrationHub{}).ResourceVersion; now != before {
				t.Error("the same failure is written again")
			}
		})
	}
}

// A cluster that has no address left for Services says so, and gives one when it can.
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
			break // what is wrong with it the hub's condition will tell
		}
	}
	f.create(f.hub())
	if _, err := f.reconcileWith(small); err == nil {
		t.Error("no error, so nothing tries again")
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
	f.want(v1alpha1.Exposed, metav1.ConditionTrue, v1alpha1.Succeeded)
}
