package local_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The programs that run a container engine's clusters are stand-ins: what is tested is which of
// them is chosen, and what it is called with.
func newEngineMachine(t *testing.T, tool string, engines ...string) *machine {
	t.Helper()
	m := newMachine(t)
	m.without(t, "kind", "k3d", "minikube", "docker", "podman")
	m.program(t, "go", goStandIn)
	m.program(t, "kubectl", kubectlStandIn)
	for _, engine := range engines {
		m.program(t, engine, "exit 0")
	}
	m.program(t, tool, `
case "$*" in
  "create cluster"*) while [ "$1" != --kubeconfig ]; do shift; done; echo kubeconfig >"$2" ;;
  "kubeconfig get"*) echo kubeconfig ;;
  "profile") echo "* minikube" ;;
  *update-context*) echo kubeconfig >"$KUBECONFIG" ;;
esac
exit 0`)
	return m
}

func TestEngineModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tool    string
		engines []string
		want    []string // what the tool is called with, from the demo to demo-down
	}{
		{
			tool: "kind", engines: []string{"docker"},
			want: []string{
				"kind get clusters",
				"kind create cluster --name integration-hub-demo --kubeconfig RUN/kubeconfig --wait 180s",
				"kind load image-archive IMG/hub.tar --name integration-hub-demo",
				"kind load image-archive IMG/manager.tar --name integration-hub-demo",
				"kind load image-archive IMG/receiver.tar --name integration-hub-demo",
				"kind load image-archive IMG/cert-manager-controller.tar --name integration-hub-demo",
				"kind load image-archive IMG/cert-manager-webhook.tar --name integration-hub-demo",
				"kind load image-archive IMG/cert-manager-cainjector.tar --name integration-hub-demo",
				"kind delete cluster --name integration-hub-demo --kubeconfig RUN/kubeconfig",
			},
		},
		{
			tool: "k3d", engines: []string{"docker"},
			want: []string{
				"k3d cluster list integration-hub-demo",
				"k3d cluster create integration-hub-demo --no-lb --k3s-arg --disable=traefik@server:0 --wait --timeout 180s" +
					" --kubeconfig-update-default=false --kubeconfig-switch-context=false",
				"k3d kubeconfig get integration-hub-demo",
				"k3d image import --cluster integration-hub-demo IMG/hub.tar IMG/manager.tar IMG/receiver.tar" +
					" IMG/cert-manager-controller.tar IMG/cert-manager-webhook.tar IMG/cert-manager-cainjector.tar",
				"k3d cluster delete integration-hub-demo",
			},
		},
		{
			tool: "minikube",
			want: []string{
				"minikube profile",
				"minikube -p minikube update-context",
				"minikube -p minikube image load IMG/hub.tar",
				"minikube -p minikube image load IMG/manager.tar",
				"minikube -p minikube image load IMG/receiver.tar",
				"minikube -p minikube image load IMG/cert-manager-controller.tar",
				"minikube -p minikube image load IMG/cert-manager-webhook.tar",
				"minikube -p minikube image load IMG/cert-manager-cainjector.tar",
			},
		},
	} {
		t.Run(tt.tool, func(t *testing.T) {
			t.Parallel()
			m := newEngineMachine(t, tt.tool, tt.engines...)
			here := copyFolder(t)
			out, err := m.run(t, nil, filepath.Join(here, "demo", "run"))
			if err != nil || !strings.Contains(out, "Using the mode "+tt.tool) || !strings.Contains(out, "step 6 of 6") {
				t.Fatalf("%v: %s", err, out)
			}
			calls := m.calls(t)
			if out, err := m.run(t, nil, filepath.Join(here, "cluster"), "down"); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			calls = append(calls, m.calls(t)...)
			var got []string
			for _, call := range calls {
				if strings.HasPrefix(call, tt.tool+" ") && call != "minikube status" { // the check asks for that
					call = strings.ReplaceAll(call, filepath.Join(m.cache(), "local", "run", "demo"), "RUN")
					got = append(got, strings.ReplaceAll(call, filepath.Join(m.cache(), "local", "img"), "IMG"))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			// minikube's cluster is the user's: it stays, without the demo's objects
			if removed := len(called(calls, "delete namespace")) > 0; removed != (tt.tool == "minikube") {
				t.Errorf("objects were removed: %v", removed)
			}
		})
	}
}

// The check says what is chosen and why; an engine that is installed but does not run is not one.
func TestCheckChooses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		make func(*machine) // besides Go
		want string
	}{
		{name: "kind with docker", make: func(m *machine) { m.program(t, "kind", ""); m.program(t, "docker", "") }, want: "Using the mode kind"},
		{name: "kind with podman", make: func(m *machine) { m.program(t, "kind", ""); m.program(t, "podman", "") }, want: "Using the mode kind"},
		{name: "k3d", make: func(m *machine) { m.program(t, "k3d", ""); m.program(t, "docker", "") }, want: "Using the mode k3d"},
		{
			name: "docker without its engine",
			make: func(m *machine) { m.program(t, "kind", ""); m.program(t, "docker", "[ $1 != info ]") },
			want: `kind: docker is installed, but no engine runs ("docker info" fails)`,
		},
		{name: "minikube that is stopped", make: func(m *machine) { m.program(t, "minikube", "exit 1") }, want: "minikube: minikube does not run (minikube start)"},
		{name: "no root", make: func(*machine) {}, want: "node: it needs root"},
		{name: "no Go", make: func(m *machine) { m.without(t, "go") }, want: "every mode: Go is not installed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			m.without(t, "kind", "k3d", "minikube", "docker", "podman")
			m.program(t, "id", "echo 65534")
			if tt.name != "no Go" {
				m.program(t, "go", goStandIn)
			}
			tt.make(m)
			if out, _ := m.run(t, nil, filepath.Join(copyFolder(t), "check")); !strings.Contains(out, tt.want) {
				t.Errorf("got\n%swant %s", out, tt.want)
			}
		})
	}
}
