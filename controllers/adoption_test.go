package controllers_test

import (
	"os"
	"path/filepath"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/controllertest"
)

// children returns the objects of a hub that it controls.
func (f *fixture) children() []client.Object {
	f.t.Helper()
	revisions := &appsv1.ControllerRevisionList{}
	if err := f.api.List(f.t.Context(), revisions, client.InNamespace(f.namespace)); err != nil || len(revisions.Items) != 1 {
		f.t.Fatalf("%d ControllerRevisions: %v", len(revisions.Items), err)
	}
	return []client.Object{
		get(f, "hub-token", &corev1.Secret{}), get(f, "hub", &cmv1.Certificate{}), get(f, "hub", &appsv1.Deployment{}),
		get(f, "hub", &corev1.Service{}), get(f, "hub", &corev1.ServiceAccount{}), get(f, "hub", &policyv1.PodDisruptionBudget{}),
		&revisions.Items[0],
	}
}

// recreate deletes the hub and creates it again. No garbage collector runs, so its objects stay.
func (f *fixture) recreate() {
	f.t.Helper()
	if err := f.api.Delete(f.t.Context(), get(f, "hub", &v1alpha1.IntegrationHub{})); err != nil {
		f.t.Fatal(err)
	}
	f.create(f.hub())
}

// orphan removes the owner references, as kubectl delete --cascade=orphan does, and a backup that is
// restored without them.
func (f *fixture) orphan() {
	f.t.Helper()
	for _, o := range f.children() {
		o.SetOwnerReferences(nil)
		if err := f.api.Update(f.t.Context(), o); err != nil {
			f.t.Fatal(err)
		}
	}
}

// A hub adopts objects without a controller that have its labels: Looker's token stays valid.
func TestAdoption(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	before := f.versionsOfSecrets()
	f.orphan()
	f.recreate()
	f.ready()
	f.wantAdopted()
	if after := f.versionsOfSecrets(); before != after {
		t.Error("the service secret or the token changed")
	}
}

// versionsOfSecrets returns the service secret and the token.
func (f *fixture) versionsOfSecrets() [2]string {
	f.t.Helper()
	return [2]string{
		string(get(f, "hub-service-secret", &corev1.Secret{}).Data["secret"]), string(get(f, "hub-token", &corev1.Secret{}).Data["token"]),
	}
}

func (f *fixture) wantAdopted() {
	f.t.Helper()
	h := get(f, "hub", &v1alpha1.IntegrationHub{})
	for _, o := range f.children() {
		if !metav1.IsControlledBy(o, h) {
			f.t.Errorf("%T %s is not controlled by the hub", o, o.GetName())
		}
	}
}

// The objects of a deleted hub of the same name are waited for: they are about to be deleted.
func TestObjectsOfAFormerHub(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	f.recreate()
	f.reconcile()
	f.want(v1alpha1.Reconciling, metav1.ConditionTrue, v1alpha1.Pending)
	for _, o := range f.children() {
		if err := api.Delete(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	f.ready()
}

// The operator's role suffices for adoption where the API server checks who may set owner references,
// as that of OpenShift does.
func TestAdoptionWithCheckedOwnerReferences(t *testing.T) {
	t.Parallel()
	controllertest.NeedPrograms(t, controllertest.APIServer...)
	certManager, err := controllertest.CertManagerCRDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	env := controllertest.Environment(hubCRDs, certManager)
	env.ControlPlane.GetAPIServer().Configure().Append("enable-admission-plugins", "OwnerReferencesPermissionEnforcement")
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	admin, err := clientOf(config)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixtureOn(t, admin)
	f.createIssuer()
	text, err := os.ReadFile(filepath.Join("..", "config", "rbac", "role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	role := &rbacv1.ClusterRole{}
	if err := yaml.Unmarshal(text[:endOfFirstDocument(text)], role); err != nil {
		t.Fatal(err)
	}
	f.create(role)
	f.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "manager"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "manager"}},
	})
	limited := rest.CopyConfig(config)
	limited.Impersonate.UserName = "manager"
	manager, err := clientOf(limited)
	if err != nil {
		t.Fatal(err)
	}
	reconcile := func() {
		t.Helper()
		if _, err := f.reconcileWith(manager); err != nil {
			t.Fatal(err)
		}
	}
	f.create(f.hub())
	reconcile()
	f.issue()
	reconcile()
	f.orphan()
	f.recreate()
	reconcile()
	f.issue()
	reconcile()
	f.wantAdopted()
}

// endOfFirstDocument returns where the first YAML document of a file ends.
func endOfFirstDocument(text []byte) int {
	for i := 5; i+4 < len(text); i++ {
		if string(text[i:i+5]) == "\n---\n" {
			return i
		}
	}
	return len(text)
}
