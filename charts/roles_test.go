package charts_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"integrationhub.dev/config/inputs"
	"integrationhub.dev/controllers/controllertest"
)

// clusterRoles returns the ClusterRoles among objects by the last part of their name.
func clusterRoles(t *testing.T, objects []*unstructured.Unstructured) map[string]rbacv1.ClusterRole {
	t.Helper()
	roles := map[string]rbacv1.ClusterRole{}
	for _, o := range objects {
		if o.GetKind() != "ClusterRole" {
			continue
		}
		var role rbacv1.ClusterRole
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
			t.Fatal(err)
		}
		roles[role.Name[strings.LastIndex(role.Name, "-")+1:]] = role
	}
	return roles
}

// aggregatedTo lists the cluster's own roles that include a role.
func aggregatedTo(role rbacv1.ClusterRole) []string {
	var roles []string
	for label, value := range role.Labels {
		if name, ok := strings.CutPrefix(label, "rbac.authorization.k8s.io/aggregate-to-"); ok && value == "true" {
			roles = append(roles, name)
		}
	}
	slices.Sort(roles)
	return roles
}

// allows reports whether a role has a verb on a resource of the operator's.
func allows(role rbacv1.ClusterRole, verb, resource string) bool {
	return slices.ContainsFunc(role.Rules, func(r rbacv1.PolicyRule) bool {
		return slices.Contains(r.APIGroups, "hub.integrationhub.dev") && slices.Contains(r.Resources, resource) &&
			(slices.Contains(r.Verbs, verb) || slices.Contains(r.Verbs, "*"))
	})
}

// Users of the cluster's own roles may do with IntegrationHubs, LookerRegistrations and HTTPIntegrations what they may do with
// Deployments. The chart and the Kustomize bases give them the same.
func TestRolesForPeople(t *testing.T) {
	t.Parallel()
	rendered, errs, err := render(t)
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	chart := clusterRoles(t, controllertest.Objects(t, rendered))
	bases := filepath.Join("..", "config", "rbac")
	inputs.Of(t, bases)
	text, err := exec.CommandContext(t.Context(), controllertest.Program(t, "kubectl"), "kustomize", bases).Output()
	if err != nil {
		t.Fatal(err)
	}
	kustomize := clusterRoles(t, controllertest.Objects(t, string(text)))
	for name, tt := range map[string]struct {
		to               []string
		allowed, refused []string
	}{
		"viewer": {to: []string{"admin", "edit", "view"}, allowed: []string{"get", "list", "watch"}, refused: []string{"create", "patch", "delete"}},
		"editor": {to: []string{"admin", "edit"}, allowed: []string{"create", "patch", "update", "delete"}, refused: []string{"deletecollection"}},
		"admin":  {to: []string{"admin"}, allowed: []string{"create", "deletecollection"}},
	} {
		for source, role := range map[string]rbacv1.ClusterRole{"chart": chart[name], "kustomize": kustomize[name]} {
			if diff := cmp.Diff(tt.to, aggregatedTo(role)); diff != "" {
				t.Errorf("%s of the %s is aggregated to (-want +got):\n%s", name, source, diff)
			}
			for _, resource := range []string{"integrationhubs", "lookerregistrations", "httpintegrations"} {
				for _, verb := range tt.allowed {
					if !allows(role, verb, resource) {
						t.Errorf("%s of the %s may not %s %s", name, source, verb, resource)
					}
				}
				for _, verb := range tt.refused {
					if allows(role, verb, resource) {
						t.Errorf("%s of the %s may %s %s", name, source, verb, resource)
					}
				}
				if !allows(role, "get", resource+"/status") {
					t.Errorf("%s of the %s may not read the status of %s", name, source, resource)
				}
			}
			if scales := allows(role, "patch", "integrationhubs/scale"); scales != (name != "viewer") {
				t.Errorf("%s of the %s may scale: %v", name, source, scales)
			}
		}
		if diff := cmp.Diff(kustomize[name].Rules, chart[name].Rules); diff != "" {
			t.Errorf("%s differs (-kustomize +chart):\n%s", name, diff)
		}
	}
}

// The administrator may create the roles and the ServiceAccount, or aggregate nothing.
func TestWithoutRolesOrServiceAccount(t *testing.T) {
	t.Parallel()
	rendered, errs, err := render(t, "--set", "rbac.create=false,serviceAccount.create=false,watchNamespaces={looker}")
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	for _, o := range controllertest.Objects(t, rendered) {
		switch kind := o.GetKind(); {
		case strings.Contains(kind, "Role"), kind == "ServiceAccount":
			t.Errorf("the chart creates %s %s", kind, o.GetName())
		case kind == "Deployment":
			if account, _, _ := unstructured.NestedString(o.Object, "spec", "template", "spec", "serviceAccountName"); account != "default" {
				t.Errorf("the manager runs as %q, want default", account)
			}
		}
	}
	rendered, errs, err = render(t, "--set", "rbac.aggregateClusterRoles=false")
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	for name, role := range clusterRoles(t, controllertest.Objects(t, rendered)) {
		if to := aggregatedTo(role); len(to) > 0 {
			t.Errorf("%s is aggregated to %v", name, to)
		}
	}
}

// Helm allows release names of 53 characters. Names of Services and values of labels have 63 at most.
func TestLongReleaseNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("r", 53)
	for _, release := range []string{long, long[:37] + "-integration-hub"} {
		rendered, errs, err := helm(t, "template", release, chart, "--namespace", "system", "--set", "replicas=2,"+registry)
		if err != nil {
			t.Fatalf("%v\n%s", err, errs)
		}
		for _, o := range controllertest.Objects(t, rendered) {
			limit := 253
			if kind := o.GetKind(); kind == "Service" || kind == "Deployment" {
				limit = 63
			}
			if name := o.GetName(); len(name) > limit || strings.HasSuffix(name, "-") {
				t.Errorf("%s has the name %s of %d characters", o.GetKind(), name, len(name))
			}
			for key, value := range o.GetLabels() {
				if len(value) > 63 {
					t.Errorf("%s has the label %s with %d characters", o.GetKind(), key, len(value))
				}
			}
		}
	}
}

// Namespaced or not, the manager may ask the API server who reads its metrics.
func TestManagerMayCheckReadersOfMetrics(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"replicas=1", "watchNamespaces={looker}"} {
		rendered, errs, err := render(t, "--set", values)
		if err != nil {
			t.Fatalf("%v\n%s", err, errs)
		}
		for _, resource := range []string{"tokenreviews", "subjectaccessreviews"} {
			role := clusterRoles(t, controllertest.Objects(t, rendered))["system"]
			if !slices.ContainsFunc(role.Rules, func(r rbacv1.PolicyRule) bool {
				return slices.Contains(r.Resources, resource) && slices.Contains(r.Verbs, "create")
			}) {
				t.Errorf("with %s, the manager may not create %s", values, resource)
			}
		}
	}
}
