package local_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// kubectlStandIn is a cluster with cert-manager and a context named prod-eu. What is applied to
// it is kept beside the calls.
const kubectlStandIn = `
[ "$1" != --context ] || shift 2
case "$*" in
  "config current-context") echo prod-eu ;;
  "config view"*) echo https://prod-eu.example.com ;;
  "get crd certificates.cert-manager.io"*) echo customresourcedefinition/certificates.cert-manager.io ;;
  "get crd integrationhubs"*) [ -z "${HAS_HUB:-}" ] || echo customresourcedefinition/integrationhubs ;;
  "get "*".hub.integrationhub.dev -A"*) [[ "$2" != "${OTHERS_HAVE:-}" ]] || echo "$2/theirs" ;;
  "get crd -l"*)
    [[ "$*" == *field-selector* ]] ||
      echo integrationhubs.hub.integrationhub.dev lookerregistrations.hub.integrationhub.dev httpintegrations.hub.integrationhub.dev ;;
  "kustomize "*) echo "image: integrationhub.local/manager:dev" ;;
  *" apply "* | "apply "*) cat >>"$CALLS.applied" ;;
  *"dry-run=client"*) cat >/dev/null; echo "kind: ConfigMap" ;;
  *port-forward*) echo "Forwarding from 127.0.0.1:40001 -> 443"; exec sleep 60 ;;
  *clusterIP*) echo 10.9.8.7 ;;
  *"get secret"*) echo c2VjcmV0 ;;
esac
exit 0`

// newUserMachine is that of somebody whose kubectl talks to production.
func newUserMachine(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t)
	m.program(t, "go", goStandIn)
	m.program(t, "kubectl", kubectlStandIn)
	for _, name := range []string{"kind", "k3d", "minikube", "docker", "podman"} {
		m.program(t, name, "exit 1")
	}
	m.env = append(m.env, "KUBECONFIG="+filepath.Join(m.home, "kubeconfig"))
	return m
}

var demoNames = regexp.MustCompile(`^integration-hub-demo(-system)?$`)

// A set KUBECONFIG is no request to write into that cluster.
func TestKubeconfigAloneIsIgnored(t *testing.T) {
	t.Parallel()
	m := newUserMachine(t)
	m.program(t, "id", "echo 65534") // so that no mode starts a cluster here
	here := copyFolder(t)
	if err := os.RemoveAll(filepath.Join(here, "process")); err != nil {
		t.Fatal(err)
	}
	for _, env := range [][]string{nil, {"YES=1"}} {
		out, err := m.run(t, env, filepath.Join(here, "demo", "run"))
		if err == nil {
			t.Errorf("the demo ran: %s", out)
		}
		if calls := called(m.calls(t), "kubectl"); len(calls) > 0 {
			t.Errorf("the cluster of KUBECONFIG was called: %q", calls)
		}
	}
}

// Without a yes, from a terminal or YES=1, nothing is written.
func TestExistingClusterAsksFirst(t *testing.T) {
	t.Parallel()
	m := newUserMachine(t)
	here := copyFolder(t)
	// setsid takes the terminal away that "go test" may have.
	out, err := m.run(t, []string{"CLUSTER=existing", "IMAGES=registry.example.com/hub"}, "setsid", "--wait", filepath.Join(here, "demo", "run"))
	if err == nil || !strings.Contains(out, "prod-eu") || !strings.Contains(out, "YES=1") {
		t.Errorf("%v: %s", err, out)
	}
	for _, call := range called(m.calls(t), "kubectl") {
		if !strings.HasPrefix(call, "kubectl config ") {
			t.Errorf("called before the user agreed: %s", call)
		}
	}
}

// Every object has a name or namespace of the demo's own, and each call names the context that
// was agreed to.
func TestExistingClusterIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	m := newUserMachine(t)
	here := copyFolder(t)
	env := []string{"CLUSTER=existing", "IMAGES=registry.example.com/hub", "YES=1"}
	if out, err := m.run(t, env, filepath.Join(here, "demo", "run")); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	applied, err := os.ReadFile(filepath.Join(m.home, "calls.applied"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"registry.example.com/hub/manager:dev", "allowCIDRs: [10.9.8.7/32]"} {
		if !strings.Contains(string(applied), want) {
			t.Errorf("no %s was applied:\n%s", want, applied)
		}
	}
	checkCalls(t, called(m.calls(t), "kubectl"))

	// make demo-down comes later, in a shell without these variables and with another context
	if out, err := m.run(t, []string{"KUBECONFIG=/nonexistent"}, filepath.Join(here, "cluster"), "down"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calls := called(m.calls(t), "kubectl")
	checkCalls(t, calls)
	for _, want := range []string{
		"delete namespace -l app.kubernetes.io/part-of=integration-hub-demo --field-selector metadata.name=integration-hub-demo ",
		"delete namespace -l app.kubernetes.io/part-of=integration-hub-demo --field-selector metadata.name=integration-hub-demo-system ",
		"delete clusterrole,clusterrolebinding -l app.kubernetes.io/part-of=integration-hub-demo",
		"delete crd integrationhubs.hub.integrationhub.dev",
		"delete crd lookerregistrations.hub.integrationhub.dev",
		"delete crd httpintegrations.hub.integrationhub.dev",
	} {
		if len(called(calls, want)) == 0 {
			t.Errorf("not called: %s\n%s", want, strings.Join(calls, "\n"))
		}
	}
}

func checkCalls(t *testing.T, calls []string) {
	t.Helper()
	if len(calls) == 0 {
		t.Error("kubectl was not called")
	}
	for _, call := range calls {
		words := strings.Fields(strings.TrimPrefix(call, "kubectl "))
		if words[0] == "config" || slices.Contains(words, "certificates.cert-manager.io") && words[2] == "get" {
			continue
		}
		if words[0] != "--context" || words[1] != "prod-eu" {
			t.Errorf("without the context: %s", call)
		}
		for i, w := range words {
			if (w == "-n" || w == "--namespace") && !demoNames.MatchString(words[i+1]) {
				t.Errorf("in a namespace that is not the demo's: %s", call)
			}
		}
		for _, foreign := range []string{"looker", "actions", "local-ca", "integration-hub-system"} {
			if slices.ContainsFunc(words, func(w string) bool {
				return strings.Contains(w, foreign) && !strings.HasPrefix(w, "lookerregistrations.")
			}) {
				t.Errorf("names %s: %s", foreign, call)
			}
		}
	}
}

// Beside an installation of the cluster's own, the demo would share its CRD. It refuses.
func TestExistingInstallationIsNotTouched(t *testing.T) {
	t.Parallel()
	m := newUserMachine(t)
	here := copyFolder(t)
	env := []string{"CLUSTER=existing", "IMAGES=registry.example.com/hub", "YES=1", "HAS_HUB=1"}
	out, err := m.run(t, env, filepath.Join(here, "demo", "run"))
	if err == nil || !strings.Contains(out, "has Integration Hub already") {
		t.Errorf("%v: %s", err, out)
	}
	if calls := called(m.calls(t), " apply "); len(calls) > 0 {
		t.Errorf("applied: %q", calls)
	}
}

// Objects of others that came later must survive the demo's end: deleting their CRD would delete them.
func TestRemovalKeepsTheCRDOfOthers(t *testing.T) {
	t.Parallel()
	for _, crd := range []string{
		"integrationhubs.hub.integrationhub.dev", "lookerregistrations.hub.integrationhub.dev", "httpintegrations.hub.integrationhub.dev",
	} {
		t.Run(crd, func(t *testing.T) {
			t.Parallel()
			m := newUserMachine(t)
			here := copyFolder(t)
			if out, err := m.run(t, []string{"OTHERS_HAVE=" + crd}, filepath.Join(here, "demo", "remove")); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			calls := m.calls(t)
			if len(called(calls, "delete crd "+crd)) > 0 {
				t.Errorf("the CRD was deleted: %q", calls)
			}
			if deleted := called(calls, "delete crd"); len(deleted) != 2 {
				t.Errorf("deleted %q, want the two CRDs without objects", deleted)
			}
			if labelled := called(calls, "label crd"); len(labelled) != 1 || !strings.Contains(labelled[0], crd) {
				t.Errorf("labelled %q, want only %s", labelled, crd)
			}
		})
	}
}

// Archives go through the command that the user gives.
func TestLoadImages(t *testing.T) {
	t.Parallel()
	m := newUserMachine(t)
	m.program(t, "push-to-nodes", "")
	here := copyFolder(t)
	if out, err := m.run(t, []string{"CLUSTER=existing", "LOAD_IMAGES=push-to-nodes --now", "YES=1"}, filepath.Join(here, "demo", "run")); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got []string
	for _, call := range called(m.calls(t), "push-to-nodes") {
		got = append(got, strings.ReplaceAll(call, m.cache(), "CACHE"))
	}
	want := []string{
		"push-to-nodes --now CACHE/local/img/hub.tar",
		"push-to-nodes --now CACHE/local/img/manager.tar",
		"push-to-nodes --now CACHE/local/img/receiver.tar",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
