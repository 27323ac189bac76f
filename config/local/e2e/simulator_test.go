//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	hublooker "integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/api"
)

const (
	simulatorNamespace = "looker-simulator"
	simulatorURL       = "https://looker.looker-simulator.svc"
	simulatorControl   = "http://control.looker-simulator.svc"
	// executor is a user of the simulated Looker who may execute, and no administrator.
	executor = "2"
)

// apiKey is the API key of the simulated Looker's administrator when it is deployed.
var apiKey = map[string]string{"client_id": "operator", "client_secret": "the first API secret"}

// simulator is the simulated Looker, with which hubs are registered. Tests do by its control API what an
// administrator or a user does in Looker.
type simulator struct {
	t       *testing.T
	journal *[]hublooker.Request
}

// in is the simulator for a part of a test.
func (s simulator) in(t *testing.T) simulator {
	t.Helper()
	return simulator{t, s.journal}
}

// deploySimulator runs the simulated Looker in the cluster, unless it runs already.
func deploySimulator(t *testing.T) simulator {
	t.Helper()
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: simulatorNamespace}})
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: simulatorNamespace, Name: "looker-api-key"}, StringData: apiKey})
	kubectl(t, "apply", "--server-side", "-k", filepath.Join(filepath.Dir(os.Getenv("CLUSTER_SCRIPT")), "looker"))
	kubectl(t, "-n", simulatorNamespace, "wait", "--for=condition=Ready", "certificate/looker", "--timeout=60s")
	kubectl(t, "-n", simulatorNamespace, "rollout", "status", "deployment/looker", "--timeout=120s")
	if t.Failed() {
		t.FailNow()
	}
	s := simulator{t, &[]hublooker.Request{}}
	eventually(t, 30*time.Second, func() string { // the node's proxy learns of pods some moments after they are ready
		if err := s.request(t.Context(), http.MethodPut, "/users/1/credentials", apiKey, nil); err != nil { // an earlier test may have changed it
			return err.Error()
		}
		return ""
	})
	return s
}

// create creates an object, or gives one that exists the same content.
func create(t *testing.T, o client.Object) {
	t.Helper()
	err := cluster.Create(t.Context(), o)
	if apierrors.IsAlreadyExists(err) {
		err = cluster.Patch(t.Context(), o, client.Merge)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// allowInLooker creates in a namespace what registrations refer to: the API key, and the authority of Looker's
// certificate.
func allowInLooker(t *testing.T, namespace string) {
	t.Helper()
	ca := string(secret(t, simulatorNamespace, "looker-tls", "ca.crt"))
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "looker-api-key"}, StringData: apiKey})
	create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "looker-ca"}, Data: map[string]string{"ca.crt": ca}})
}

// apply applies manifests in one call of kubectl.
func apply(t *testing.T, manifests string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "kubectl", "apply", "-f", "-")
	cmd.Stdin = bytes.NewBufferString(manifests)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubectl apply: %v\n%s", err, out)
	}
}

// request sends a request to the control API.
func (s simulator) request(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if in == nil {
		body = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, simulatorControl+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", text)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

func (s simulator) do(method, path string, in, out any) {
	s.t.Helper()
	if err := s.request(s.t.Context(), method, path, in, out); err != nil {
		s.t.Fatal(err)
	}
}

// hubs are the registered hubs.
func (s simulator) hubs() []api.IntegrationHub {
	s.t.Helper()
	var hubs []api.IntegrationHub
	s.do(http.MethodGet, "/hubs", nil, &hubs)
	return hubs
}

// hubsAt are the IDs of the hubs with a URL.
func (s simulator) hubsAt(url string) []string {
	s.t.Helper()
	var ids []string
	for _, h := range s.hubs() {
		if *h.URL == url {
			ids = append(ids, *h.ID)
		}
	}
	return ids
}

// enabled are the integrations that a hub lists, and whether Looker's users have them.
func (s simulator) enabled(hub string) map[string]bool {
	s.t.Helper()
	var integrations []api.Integration
	s.do(http.MethodGet, "/hubs/"+hub+"/integrations", nil, &integrations)
	enabled := map[string]bool{}
	for _, i := range integrations {
		enabled[(*i.ID)[len(hub)+len("::"):]] = *i.Enabled
	}
	return enabled
}

// requests are the requests to Looker's API after a number of the journal, without their bodies. Those that are known are
// not fetched again: with their bodies, they are many megabytes.
func (s simulator) requests(after int) []hublooker.Request {
	s.t.Helper()
	known, fresh := *s.journal, []hublooker.Request{}
	if open := slices.IndexFunc(known, func(r hublooker.Request) bool { return r.Status == 0 && !r.HungUp }); open >= 0 {
		known = known[:open]
	}
	last := 0
	if len(known) > 0 {
		last = known[len(known)-1].Number
	}
	s.do(http.MethodGet, fmt.Sprintf("/requests?after=%d", last), nil, &fresh)
	for _, r := range fresh {
		r.Body, r.Response = "", ""
		known = append(known, r)
	}
	*s.journal = known
	return slices.DeleteFunc(slices.Clone(known), func(r hublooker.Request) bool { return r.Number <= after })
}

// last is the number of the newest request in the journal.
func (s simulator) last() int {
	s.t.Helper()
	all := s.requests(0)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].Number
}

// writes are the requests to Looker's API that change something, after a number of the journal. A login is none.
func (s simulator) writes(after int) []string {
	s.t.Helper()
	var writes []string
	for _, r := range s.requests(after) {
		if r.Method != http.MethodGet && r.Path != hublooker.APIPath+"/login" {
			writes = append(writes, r.Method+" "+r.Path)
		}
	}
	return writes
}

// inject injects a fault into Looker's API.
func (s simulator) inject(f hublooker.Fault) {
	s.t.Helper()
	s.do(http.MethodPost, "/faults", f, nil)
	s.t.Cleanup(func() { _ = s.request(context.WithoutCancel(s.t.Context()), http.MethodDelete, "/faults", nil, nil) })
}

// execute has a user send data by tray, and returns what Looker shows.
func (s simulator) execute(ctx context.Context, hub, hook, data string) (hublooker.Result, error) {
	var result hublooker.Result
	err := s.request(ctx, http.MethodPost, "/run", hublooker.Action{
		User: executor, Integration: hub + "::tray", Form: map[string]string{"url": receiver + hook}, Format: "json_detail", Data: []byte(data),
	}, &result)
	return result, err
}

// setEndpoints connects Looker's API with the simulator, or with nothing. The control API stays.
func (s simulator) setEndpoints(reachable bool) {
	s.t.Helper()
	app := "nothing"
	if reachable {
		app = "looker"
	}
	s.patchService(map[string]any{"selector": map[string]string{"app": app}})
}

// setPorts has Looker's API at other ports.
func (s simulator) setPorts(ports []map[string]any) {
	s.t.Helper()
	s.patchService(map[string]any{"ports": ports})
}

func (s simulator) patchService(spec map[string]any) {
	s.t.Helper()
	patch, err := json.Marshal(map[string]any{"spec": spec})
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: simulatorNamespace, Name: "looker"}}
	if err == nil { // also when the test has ended
		err = cluster.Patch(context.WithoutCancel(s.t.Context()), service, client.RawPatch(types.MergePatchType, patch))
	}
	if err != nil {
		s.t.Error(err)
	}
}
