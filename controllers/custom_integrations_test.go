package controllers_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/custom"
	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/controllers/resources"
	hubcustom "integrationhub.dev/hub/custom"
)

// pod is a hub's pod: it loads what the kubelet would mount, with the hub's own package.
type pod struct {
	f      *fixture
	dir    string
	folder *hubcustom.Folder
	// stale is set while the kubelet has not updated the volume.
	stale bool
}

func newPod(f *fixture) *pod {
	dir := f.t.TempDir()
	return &pod{f: f, dir: dir, folder: hubcustom.NewFolder(dir, hubcustom.Options{Names: v1alpha1.IntegrationNames}, func(name string) string {
		if name == "custom_taken" {
			return "It is taken."
		}
		return ""
	})}
}

// Inspect implements [controllers.Inspector].
func (p *pod) Inspect(context.Context, *corev1.Pod) (hubclient.Report, error) {
	if !p.stale {
		for _, name := range p.files() {
			if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
				return hubclient.Report{}, err
			}
		}
		for name, text := range p.f.files() { //nolint:contextcheck // the context is the test's
			if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
				return hubclient.Report{}, err
			}
		}
	}
	_, _ = p.folder.Reload() // its error is in the status
	report := hubclient.Report{Version: "test", Custom: []hubclient.Custom{}}
	for _, s := range p.folder.Status() {
		if strings.Contains(s.Problem, "ACTION_HUB_INTEGRATION_SECRETS_DIR") {
			s.Problem = "" // this pod has no Secrets
		}
		report.Custom = append(report.Custom, hubclient.Custom{Name: s.Name, File: s.File, Digest: s.Digest, Problem: s.Problem, FailedDigest: s.FailedDigest})
	}
	return report, nil
}

// AcceptsSecret implements [controllers.Inspector].
func (p *pod) AcceptsSecret(context.Context, *corev1.Pod, []byte) (bool, error) { return true, nil }

func (p *pod) files() []string {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		p.f.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// files are those in the ConfigMaps of the hub.
func (f *fixture) files() map[string]string {
	f.t.Helper()
	all := &corev1.ConfigMapList{}
	if err := f.api.List(f.t.Context(), all, client.InNamespace(f.namespace), client.MatchingLabels{resources.InstanceLabel: "hub"}); err != nil {
		f.t.Fatal(err)
	}
	files := map[string]string{}
	for _, m := range all.Items {
		maps.Copy(files, m.Data)
	}
	return files
}

func (f *fixture) fileNames() []string { return slices.Sorted(maps.Keys(f.files())) }

// customFixture is a ready hub that offers all HTTPIntegrations of its namespace.
type customFixture struct {
	*fixture
	pod    *pod
	client client.Client
}

func newCustomFixture(t *testing.T) *customFixture {
	t.Helper()
	f := &customFixture{fixture: newFixture(t), client: api}
	f.pod = newPod(f.fixture)
	h := f.hub()
	h.Spec.CustomIntegrations = &v1alpha1.CustomIntegrations{Selector: &metav1.LabelSelector{}}
	f.create(h)
	f.ready()
	f.readyPod("hub-1")
	return f
}

// settle reconciles everything by new reconcilers, as after a restart, until the pods run what they are given.
func (f *customFixture) settle() *v1alpha1.CustomIntegrationsStatus {
	f.t.Helper()
	check := func() {
		all := &v1alpha1.HTTPIntegrationList{}
		if err := api.List(f.t.Context(), all, client.InNamespace(f.namespace)); err != nil {
			f.t.Fatal(err)
		}
		r := &custom.Reconciler{Client: f.client, Recorder: f.events}
		for _, i := range all.Items {
			if _, err := r.Reconcile(f.t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&i)}); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	check()
	r := &controllers.Reconciler{Client: f.client, APIReader: f.client, Recorder: f.events, HubImage: "hub:test", Hubs: f.pod}
	for range 2 {
		if _, err := r.Reconcile(f.t.Context(), ctrl.Request{NamespacedName: f.key()}); err != nil {
			f.t.Fatal(err)
		}
		f.runPods()
	}
	check()
	return get(f.fixture, "hub", &v1alpha1.IntegrationHub{}).Status.CustomIntegrations
}

// integration returns an integration that is valid.
func (f *customFixture) integration(name string) *v1alpha1.HTTPIntegration {
	i := &v1alpha1.HTTPIntegration{ObjectMeta: f.meta(name), Spec: httpintegration.Spec{Label: "A"}}
	i.Spec.Request.URL = "https://a.example.com/"
	return i
}

func (f *customFixture) change(name string, change func(*v1alpha1.HTTPIntegration)) {
	f.t.Helper()
	i := get(f.fixture, name, &v1alpha1.HTTPIntegration{})
	change(i)
	if err := api.Update(f.t.Context(), i); err != nil {
		f.t.Fatal(err)
	}
}

// wantIntegration checks the condition Ready of an integration.
func (f *customFixture) wantIntegration(name string, status metav1.ConditionStatus, reason string) {
	f.t.Helper()
	c := meta.FindStatusCondition(get(f.fixture, name, &v1alpha1.HTTPIntegration{}).Status.Conditions, v1alpha1.Ready)
	if c == nil || c.Status != status || c.Reason != reason {
		f.t.Errorf("%s is %+v, want %s %s", name, c, status, reason)
	}
}

// From kubectl apply to a pod that runs it, without a rollout; then a change, a deletion, and none left.
func TestCustomIntegrations(t *testing.T) {
	t.Parallel()
	f := newCustomFixture(t)
	template := func() map[string]string { return get(f.fixture, "hub", &appsv1.Deployment{}).Spec.Template.Annotations }
	generation := get(f.fixture, "hub", &appsv1.Deployment{}).Generation
	first := template()
	f.create(f.integration("a"))
	f.create(f.integration("b.c"))
	other := f.integration("other")
	other.Spec.ControllerClass = "other"
	f.create(other)
	status := f.settle()
	if status.Selected != 2 || status.Offered != 2 || status.Refused != 0 {
		t.Errorf("the hub reports %+v", status)
	}
	f.wantIntegration("a", metav1.ConditionTrue, v1alpha1.Succeeded)
	f.want(v1alpha1.CustomIntegrationsReady, metav1.ConditionTrue, v1alpha1.Succeeded)
	if diff := cmp.Diff([]string{"a.json", "b.c.json"}, f.fileNames()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if n := status.Integrations[1]; n.Integration != "custom_b_c" || n.Version == "" || n.RunningVersion != n.Version {
		t.Errorf("the hub reports %+v", n)
	}

	owned := &corev1.ConfigMapList{}
	if err := api.List(t.Context(), owned, client.InNamespace(f.namespace), client.MatchingLabels{resources.InstanceLabel: "hub"}); err != nil {
		t.Fatal(err)
	}
	for _, m := range owned.Items {
		if !metav1.IsControlledBy(&m, get(f.fixture, "hub", &v1alpha1.IntegrationHub{})) {
			t.Errorf("ConfigMap %s is not deleted with the hub", m.Name)
		}
	}

	f.pod.stale = true
	f.change("a", func(i *v1alpha1.HTTPIntegration) { i.Spec.Label = "A2" })
	f.settle()
	f.want(v1alpha1.CustomIntegrationsReady, metav1.ConditionFalse, v1alpha1.Progressing)
	f.wantIntegration("a", metav1.ConditionFalse, v1alpha1.Progressing)
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.pod.stale = false
	f.settle()
	f.wantIntegration("a", metav1.ConditionTrue, v1alpha1.Succeeded)

	if err := api.Delete(t.Context(), f.integration("b.c")); err != nil {
		t.Fatal(err)
	}
	status = f.settle()
	if diff := cmp.Diff([]string{"a.json"}, f.fileNames()); diff != "" || status.Selected != 1 {
		t.Errorf("files after a deletion (-want +got):\n%s\nstatus %+v", diff, status)
	}
	d := get(f.fixture, "hub", &appsv1.Deployment{})
	if d.Generation != generation || !maps.Equal(first, template()) {
		t.Errorf("the pods were rolled: generation %d, want %d", d.Generation, generation)
	}
	for _, m := range d.Spec.Template.Spec.Volumes {
		if m.Name == "integration-secrets" {
			t.Error("the pods mount Secrets, although none is used")
		}
	}

	f.edit(func(s *v1alpha1.IntegrationHubSpec) {
		s.CustomIntegrations.Selector.MatchLabels = map[string]string{"team": "data"}
	})
	if status = f.settle(); status.Selected != 0 || len(f.files()) != 0 {
		t.Errorf("a label is required: %+v, files %v", status, f.fileNames())
	}
	f.wantIntegration("a", metav1.ConditionFalse, v1alpha1.NotSelected)
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.CustomIntegrations = nil })
	if status = f.settle(); status != nil {
		t.Errorf("the hub offers none and reports %+v", status)
	}
}

// A bad change never takes a good version down: not of itself, of others, or across restarts of the operator
// and of the pods.
func TestLastGoodVersionStays(t *testing.T) {
	t.Parallel()
	f := newCustomFixture(t)
	f.create(f.integration("a"))
	f.create(f.integration("b"))
	good := f.settle().Integrations[0].Version
	f.change("a", func(i *v1alpha1.HTTPIntegration) {
		i.Spec.Request.Headers = map[string]httpintegration.Template{"X": "${nothing}"}
	})
	f.change("b", func(i *v1alpha1.HTTPIntegration) { i.Spec.Label = "B2" })
	f.pod = newPod(f.fixture)
	status := f.settle()
	if a := status.Integrations[0]; a.Version != good || a.RunningVersion != good || a.Reason == "" {
		t.Errorf("a is %+v, want version %s to run, and a reason", a, good)
	}
	if b := status.Integrations[1]; b.RunningVersion == good || b.RunningVersion != b.Version || b.Reason != "" {
		t.Errorf("b is %+v, want its change", b)
	}
	f.want(v1alpha1.CustomIntegrationsReady, metav1.ConditionFalse, v1alpha1.IntegrationsRefused)
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.wantIntegration("a", metav1.ConditionFalse, v1alpha1.NotValid)
	f.change("a", func(i *v1alpha1.HTTPIntegration) { i.Spec.Request.Headers = nil; i.Spec.Label = "A3" })
	if a := f.settle().Integrations[0]; a.RunningVersion == good || a.Reason != "" {
		t.Errorf("after the correction, a is %+v", a)
	}
	f.wantIntegration("a", metav1.ConditionTrue, v1alpha1.Succeeded)
}

// A hub refuses what it alone knows of, and the operator shows its reason.
func TestPodsRefusal(t *testing.T) {
	t.Parallel()
	f := newCustomFixture(t)
	f.create(f.integration("taken"))
	status := f.settle()
	if i := status.Integrations[0]; i.RunningVersion != "" || !strings.Contains(i.Reason, "It is taken.") || status.Refused != 1 || status.Offered != 0 {
		t.Errorf("the hub reports %+v", status)
	}
	f.wantIntegration("taken", metav1.ConditionFalse, v1alpha1.NotOffered)
}

// An integration with the name of another one in Looker does not replace it, even if it is older.
func TestNameOfAnother(t *testing.T) {
	t.Parallel()
	f := newCustomFixture(t)
	f.create(f.integration("a"))
	f.settle()
	b := f.integration("b")
	b.Spec.Name = "custom_c"
	f.create(b)
	f.settle()
	f.change("a", func(i *v1alpha1.HTTPIntegration) { i.Spec.Name = "custom_c" })
	status := f.settle()
	if a := status.Integrations[0]; !strings.Contains(a.Reason, "HTTPIntegration b already has the name") || a.Integration != "custom_a" || a.RunningVersion == "" {
		t.Errorf("a is %+v, want its previous version and the reason", a)
	}
	if i := status.Integrations[1]; i.Integration != "custom_c" || i.Reason != "" {
		t.Errorf("b is %+v, want it unchanged", i)
	}
}

// Pods mount only the keys that an integration names, of Secrets that allow it. A changed value rolls nothing.
func TestSecretsOfIntegrations(t *testing.T) {
	t.Parallel()
	f := newCustomFixture(t)
	i := f.integration("a")
	i.Spec.Secrets = []httpintegration.Secret{
		{Name: "one", SecretKeyRef: httpintegration.SecretKeyRef{Name: "mine", Key: "one"}},
		{Name: "two", SecretKeyRef: httpintegration.SecretKeyRef{Name: "mine", Key: "two"}},
	}
	f.create(i)
	thief := f.integration("thief")
	thief.Spec.Secrets = []httpintegration.Secret{{Name: "x", SecretKeyRef: httpintegration.SecretKeyRef{Name: "mine", Key: "three"}}}
	f.create(thief)
	secret := &corev1.Secret{ObjectMeta: f.meta("mine"), StringData: map[string]string{"one": "1", "two": "2", "three": "3"}}
	secret.Annotations = map[string]string{v1alpha1.AllowIntegrationsAnnotation: "a"}
	f.create(secret)
	mounted := func() []string {
		t.Helper()
		var paths []string
		for _, v := range get(f.fixture, "hub", &appsv1.Deployment{}).Spec.Template.Spec.Volumes {
			if v.Name != "integration-secrets" {
				continue
			}
			for _, source := range v.Projected.Sources {
				for _, item := range source.Secret.Items {
					paths = append(paths, fmt.Sprintf("%s:%s=%s", source.Secret.Name, item.Key, item.Path))
				}
			}
		}
		return paths
	}
	f.settle()
	if diff := cmp.Diff([]string{"mine:one=mine/one", "mine:two=mine/two"}, mounted()); diff != "" {
		t.Errorf("mounted keys (-want +got):\n%s", diff)
	}
	f.wantIntegration("thief", metav1.ConditionFalse, v1alpha1.SecretNotAllowed)
	if diff := cmp.Diff([]string{"a.json"}, f.fileNames()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	before := get(f.fixture, "hub", &appsv1.Deployment{}).Generation
	secret.StringData = map[string]string{"one": "another"}
	if err := api.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	f.settle()
	if after := get(f.fixture, "hub", &appsv1.Deployment{}).Generation; after != before {
		t.Error("a changed value rolls the pods")
	}

	secret.Annotations = nil
	if err := api.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	f.settle()
	if paths := mounted(); len(paths) > 0 {
		t.Errorf("the Secret allows no integration, and pods mount %v", paths)
	}
	f.wantIntegration("a", metav1.ConditionFalse, v1alpha1.SecretNotAllowed)
}

// Deleting an integration rolls nothing: pods keep the keys that nothing uses until they are rolled for another
// reason, or until the Secret allows no integration any more.
func TestUnusedSecretsOfIntegrations(t *testing.T) {
	t.Parallel()
	f := newCustomFixture(t)
	secret := &corev1.Secret{ObjectMeta: f.meta("mine"), StringData: map[string]string{"one": "1", "two": "2"}}
	secret.Annotations = map[string]string{v1alpha1.AllowIntegrationsAnnotation: "*"}
	f.create(secret)
	create := func(name, key string) {
		t.Helper()
		i := f.integration(name)
		i.Spec.Secrets = []httpintegration.Secret{{Name: "x", SecretKeyRef: httpintegration.SecretKeyRef{Name: "mine", Key: key}}}
		f.create(i)
	}
	deleted := func(name string) {
		t.Helper()
		if err := api.Delete(t.Context(), get(f.fixture, name, &v1alpha1.HTTPIntegration{})); err != nil {
			t.Fatal(err)
		}
	}
	state := func() (int64, map[string][]string) {
		t.Helper()
		f.settle()
		d := get(f.fixture, "hub", &appsv1.Deployment{})
		return d.Generation, resources.MountedCustomKeys(&d.Spec.Template.Spec)
	}
	both := map[string][]string{"mine": {"one", "two"}}
	create("a", "one")
	create("b", "two")
	generation, keys := state()
	if diff := cmp.Diff(both, keys); diff != "" {
		t.Fatalf("mounted keys (-want +got):\n%s", diff)
	}
	same := func(what string) {
		t.Helper()
		if now, keys := state(); now != generation || !cmp.Equal(both, keys) {
			t.Errorf("%s: generation %d, was %d; the pods mount %v", what, now, generation, keys)
		}
	}
	deleted("a")
	same("one was deleted")
	deleted("b")
	same("both were deleted")
	create("a", "one")
	same("one was created again")
	deleted("a")

	secret.Annotations[v1alpha1.AllowIntegrationsAnnotation] = " , "
	if err := api.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if _, keys := state(); len(keys) > 0 {
		t.Errorf("the Secret allows no integration, and pods mount %v", keys)
	}
}

// sharedKey is a fixture whose hub offers the integrations a and b, which use the same key of a Secret that allows both.
func sharedKey(t *testing.T) (*customFixture, *corev1.Secret) {
	t.Helper()
	f := newCustomFixture(t)
	secret := &corev1.Secret{ObjectMeta: f.meta("mine"), StringData: map[string]string{"one": "1"}}
	secret.Annotations = map[string]string{v1alpha1.AllowIntegrationsAnnotation: "a,b"}
	f.create(secret)
	for _, name := range []string{"a", "b"} {
		i := f.integration(name)
		i.Spec.Secrets = []httpintegration.Secret{{Name: "x", SecretKeyRef: httpintegration.SecretKeyRef{Name: "mine", Key: "one"}}}
		f.create(i)
	}
	f.settle()
	return f, secret
}

// Pods do not keep a key that they would give to an integration which the Secret does not allow.
func TestUnusedSecretOfAnother(t *testing.T) {
	t.Parallel()
	f, secret := sharedKey(t)
	secret.Annotations[v1alpha1.AllowIntegrationsAnnotation] = "a"
	if err := api.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(t.Context(), get(f.fixture, "a", &v1alpha1.HTTPIntegration{})); err != nil {
		t.Fatal(err)
	}
	f.settle()
	if keys := resources.MountedCustomKeys(&get(f.fixture, "hub", &appsv1.Deployment{}).Spec.Template.Spec); len(keys) > 0 {
		t.Errorf("the last version of b still has %v", keys)
	}
}

// The last version of an integration does not keep a key that a Secret allows another integration only.
func TestSharedKeyOfAnother(t *testing.T) {
	t.Parallel()
	f, secret := sharedKey(t)
	if diff := cmp.Diff([]string{"a.json", "b.json"}, f.fileNames()); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
	secret.Annotations[v1alpha1.AllowIntegrationsAnnotation] = "a"
	if err := api.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	f.settle()
	if diff := cmp.Diff([]string{"a.json"}, f.fileNames()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if keys := resources.MountedCustomKeys(&get(f.fixture, "hub", &appsv1.Deployment{}).Spec.Template.Spec); len(keys) != 1 {
		t.Errorf("the pods mount %v, want the key of a", keys)
	}
	f.wantIntegration("b", metav1.ConditionFalse, v1alpha1.SecretNotAllowed)
	f.want(v1alpha1.CustomIntegrationsReady, metav1.ConditionFalse, v1alpha1.IntegrationsRefused)
}

// A selector that is not valid keeps the pods and their integrations as they are.
func TestInvalidSelector(t *testing.T) {
	t.Parallel()
	f := newCustomFixture(t)
	f.create(f.integration("a"))
	f.settle()
	f.edit(func(s *v1alpha1.IntegrationHubSpec) {
		s.CustomIntegrations.Selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like"}}
	})
	f.settle()
	f.want(v1alpha1.CustomIntegrationsReady, metav1.ConditionFalse, v1alpha1.SelectorInvalid)
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.SelectorInvalid)
	if names := f.fileNames(); len(names) != 1 {
		t.Errorf("the pods have %v, want what they had", names)
	}
}

// A ConfigMap that someone else changes is restored, and none is written at rest.
func TestCustomIntegrationsAtRest(t *testing.T) {
	t.Parallel()
	f := newCustomFixture(t)
	f.create(f.integration("a"))
	bad := f.integration("bad")
	bad.Spec.Name = "slacker"
	f.create(bad)
	f.settle()
	writes := 0
	f.client = interceptor.NewClient(api, interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			writes++
			return c.Patch(ctx, o, p, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			writes++
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	})
	versions := func() map[string]string {
		all := &corev1.ConfigMapList{}
		if err := api.List(t.Context(), all, client.InNamespace(f.namespace)); err != nil {
			t.Fatal(err)
		}
		v := map[string]string{}
		for _, m := range all.Items {
			v[m.Name] = m.ResourceVersion
		}
		return v
	}
	before := versions()
	f.settle()
	if diff := cmp.Diff(before, versions()); diff != "" || writes != 0 {
		t.Errorf("%d writes at rest; ConfigMaps (-before +after):\n%s", writes, diff)
	}
	name := fmt.Sprintf("hub-integrations-%d", resources.CustomShard("a"))
	m := get(f.fixture, name, &corev1.ConfigMap{})
	m.Data["a.json"] = "{}"
	if err := api.Update(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	f.settle()
	if text := f.files()["a.json"]; text == "{}" {
		t.Error("the ConfigMap was not restored")
	}
}
