package custom_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

const yes, no = metav1.ConditionTrue, metav1.ConditionFalse

// The examples for files are resources, too, as the sample is: the API server accepts them, and the operator finds them valid.
func TestExamples(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	files, err := filepath.Glob("../../hub/custom/examples/*.yaml")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range append(files, "../../config/samples/httpintegration.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		i := &v1alpha1.HTTPIntegration{}
		if err := yaml.UnmarshalStrict(text, i); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		i.Namespace = f.namespace
		f.create(i)
		for _, s := range i.Spec.Secrets {
			secret := &corev1.Secret{ObjectMeta: f.meta(s.SecretKeyRef.Name)}
			secret.Annotations = map[string]string{v1alpha1.AllowIntegrationsAnnotation: i.Name}
			if err := client.IgnoreAlreadyExists(api.Create(t.Context(), secret)); err != nil {
				t.Fatal(err)
			}
		}
		i = f.reconcile(i.Name)
		want(t, i, v1alpha1.Valid, yes, v1alpha1.Succeeded, "")
		if i.Status.Integration != httpintegration.LookerName(i.Name, &i.Spec) || len(i.Status.Version) != 12 {
			t.Errorf("%s has the name %q and the version %q", file, i.Status.Integration, i.Status.Version)
		}
	}
}

// What only the hub's own check finds is a condition with the field. The API server refuses the rest.
func TestInvalid(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*httpintegration.Spec)
		want   string
	}{
		"an unknown variable": {
			func(s *httpintegration.Spec) {
				s.Request.Headers = map[string]httpintegration.Template{"X-A": "${params.b}"}
			},
			"spec.request.headers.X-A: ",
		},
		"a secret in a body": {
			func(s *httpintegration.Spec) {
				s.Request.Body = &httpintegration.Body{JSON: []byte(`{"a": "${secrets.b}"}`)}
			},
			"spec.request.body.json",
		},
		"a name without the prefix": {func(s *httpintegration.Spec) { s.Name = "unprefixed" }, "spec.name: The name must begin with custom_"},
		"a request that fails for the sample": {
			func(s *httpintegration.Spec) {
				s.Request.Per = "row"
				s.Request.Headers = map[string]httpintegration.Template{"X-A": "${string(int(row.name.a))}"}
				s.Sample = &httpintegration.Sample{Columns: []httpintegration.SampleColumn{{Name: "a", Values: []byte(`[1, "b"]`)}}}
			},
			"spec.request.headers.X-A: Evaluation fails for row 2 of the sample: a value cannot be converted.",
		},
		"a host of the user": {
			func(s *httpintegration.Spec) {
				s.Params, s.Request.URL = []httpintegration.Param{{Name: "host"}}, "https://${params.host}/"
			},
			"spec.request.url: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			i := f.minimal("a")
			tt.change(&i.Spec)
			f.create(i)
			i = f.reconcile("a")
			want(t, i, v1alpha1.Valid, no, v1alpha1.NotValid, tt.want)
			want(t, i, v1alpha1.Ready, no, v1alpha1.NotValid, tt.want)
			want(t, i, v1alpha1.Stalled, yes, v1alpha1.NotValid, tt.want)
			if len(f.events.Events) != 1 {
				t.Errorf("%d events, want one", len(f.events.Events))
			}
		})
	}
}

// A name of one of the hub's own integrations is valid: it replaces an integration that is not enabled.
func TestNameOfTheReference(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.minimal("a")
	i.Spec.Name = "slack"
	f.create(i)
	want(t, f.reconcile("a"), v1alpha1.Valid, yes, v1alpha1.Succeeded, "")
}

// An author of integrations who may not write Secrets cannot use one that does not name the integration.
func TestSecretsHaveToAllowIntegrations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.minimal("crm")
	i.Spec.Secrets = []httpintegration.Secret{{Name: "key", SecretKeyRef: httpintegration.SecretKeyRef{Name: "crm-key", Key: "token"}}}
	f.create(i)
	want(t, f.reconcile("crm"), v1alpha1.Valid, no, v1alpha1.SecretNotFound, `Secret "crm-key"`)
	secret := &corev1.Secret{ObjectMeta: f.meta("crm-key"), StringData: map[string]string{"token": "s3cret-v4lue"}}
	f.create(secret)
	for _, tt := range []struct {
		annotation string
		operators  bool
		allowed    bool
	}{
		{annotation: "", allowed: false},
		{annotation: "true", allowed: false},
		{annotation: "crm-2, other", allowed: false},
		{annotation: "other, crm", allowed: true},
		{annotation: "*", allowed: true},
		{annotation: "*", operators: true, allowed: false},
	} {
		secret.Annotations = map[string]string{v1alpha1.AllowIntegrationsAnnotation: tt.annotation}
		if tt.operators {
			secret.Labels = map[string]string{resources.ManagedByLabel: resources.ManagedBy}
		}
		if err := api.Update(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		status, reason := no, v1alpha1.SecretNotAllowed
		if tt.allowed {
			status, reason = yes, v1alpha1.Succeeded
		}
		i := f.reconcile("crm")
		t.Logf("annotation %q, the operator's own: %v", tt.annotation, tt.operators)
		want(t, i, v1alpha1.Valid, status, reason, "")
		for _, c := range i.Status.Conditions {
			if strings.Contains(c.Message, "s3cret") {
				t.Errorf("%s contains the value: %s", c.Type, c.Message)
			}
		}
	}
}

// The status says which hubs run which version.
func TestHubs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.minimal("a")
	i.Labels = map[string]string{"team": "data"}
	f.create(i)
	i = f.reconcile("a")
	want(t, i, v1alpha1.Offered, no, v1alpha1.NotSelected, "spec.customIntegrations.selector")
	want(t, i, v1alpha1.Reconciling, yes, v1alpha1.NotSelected, "")

	other := f.hub("other")
	other.Spec.CustomIntegrations.Selector.MatchLabels = map[string]string{"team": "ops"}
	f.create(other)
	none := f.hub("none")
	none.Spec.CustomIntegrations.Selector = nil
	f.create(none)
	class := f.hub("class")
	class.Spec.ControllerClass = "b"
	f.create(class)
	first, second := f.hub("first"), f.hub("second")
	second.Spec.CustomIntegrations.Selector.MatchLabels = map[string]string{"team": "data"}
	f.create(first)
	f.create(second)
	i = f.reconcile("a")
	want(t, i, v1alpha1.Offered, no, v1alpha1.Progressing, "IntegrationHubs: first, second.")
	want(t, i, v1alpha1.Reconciling, yes, v1alpha1.Progressing, "")

	version := i.Status.Version
	f.report(first, v1alpha1.CustomIntegrationStatus{Name: "a", Version: version, RunningVersion: version})
	f.report(second, v1alpha1.CustomIntegrationStatus{Name: "a", Version: version})
	i = f.reconcile("a")
	want(t, i, v1alpha1.Offered, no, v1alpha1.Progressing, "IntegrationHubs: second.")
	f.report(second, v1alpha1.CustomIntegrationStatus{Name: "a", Version: version, RunningVersion: version})
	i = f.reconcile("a")
	want(t, i, v1alpha1.Ready, yes, v1alpha1.Succeeded, "")
	if i.Status.RunningHubs != 2 || len(i.Status.Hubs) != 2 || i.Status.Hubs[0].Version != version {
		t.Errorf("%d hubs run it: %+v", i.Status.RunningHubs, i.Status.Hubs)
	}
	if c := meta.FindStatusCondition(i.Status.Conditions, v1alpha1.Reconciling); c != nil {
		t.Errorf("it is still reconciling: %s", c.Message)
	}

	f.report(second, v1alpha1.CustomIntegrationStatus{Name: "a", Version: version, RunningVersion: version, Reason: "The name is taken."})
	i = f.reconcile("a")
	want(t, i, v1alpha1.Offered, no, v1alpha1.NotOffered, "IntegrationHub second: The name is taken.")
	want(t, i, v1alpha1.Stalled, yes, v1alpha1.NotOffered, "")
}

// A version that is not valid does not end the previous one, and the status says so.
func TestLastValidVersion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.minimal("a"))
	hub := f.hub("hub")
	f.create(hub)
	first := f.reconcile("a")
	f.report(hub, v1alpha1.CustomIntegrationStatus{Name: "a", Version: first.Status.Version, RunningVersion: first.Status.Version})
	first.Spec.Request.Headers = map[string]httpintegration.Template{"X-A": "${nothing}"}
	if err := api.Update(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	i := f.reconcile("a")
	want(t, i, v1alpha1.Ready, no, v1alpha1.NotValid, "The last valid version is still in use.")
	if i.Status.Version == first.Status.Version || i.Status.Hubs[0].Version != first.Status.Version {
		t.Errorf("the version is %s, and %s runs, want %s to run", i.Status.Version, i.Status.Hubs[0].Version, first.Status.Version)
	}
}

// At rest, and after a restart, nothing is written.
func TestAtRest(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	writes := 0
	f.client = interceptor.NewClient(api, interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			writes++
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	})
	f.create(f.minimal("a"))
	bad := f.minimal("b")
	bad.Spec.Name = "unprefixed"
	f.create(bad)
	f.reconcile("a")
	f.reconcile("b")
	if writes != 2 {
		t.Fatalf("%d writes at first, want 2", writes)
	}
	f.reconcile("a") // by a new reconciler
	f.reconcile("b")
	if writes != 2 {
		t.Errorf("%d writes at rest", writes-2)
	}
}
