package controllers_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/controllertest"
	"integrationhub.dev/hub/token"
)

// The commands of the README copy a hub to another cluster, where the token that is entered in Looker
// stays valid.
func TestBackUpAndRestore(t *testing.T) {
	t.Parallel()
	controllertest.NeedPrograms(t, "kubectl")
	if _, err := exec.LookPath("jq"); err != nil && os.Getenv("CI") == "" {
		t.Skip("jq is not installed")
	}
	before := newFixture(t)
	before.create(&corev1.Secret{ObjectMeta: before.meta("settings"), StringData: map[string]string{"TRAY_EXTRA_DOMAINS": "example.com"}})
	before.create(&corev1.ConfigMap{ObjectMeta: before.meta("authorities"), Data: map[string]string{"ca.crt": "x"}})
	before.create(&corev1.Secret{ObjectMeta: before.meta("unrelated"), StringData: map[string]string{"a": "b"}})
	hub := before.hub()
	hub.Labels = map[string]string{"team": "data"}
	hub.Spec.Integrations = []v1alpha1.Integration{{Name: "tray", SecretRef: &v1alpha1.SecretRef{Name: "settings"}}}
	hub.Spec.Egress = &v1alpha1.Egress{CABundleRef: &v1alpha1.ConfigMapKeyRef{Name: "authorities"}}
	before.create(hub)
	before.ready()
	inLooker := string(get(before, "hub-token", &corev1.Secret{}).Data["token"])

	config, after := newCluster(t)
	runREADME(t, map[string]*rest.Config{"old": apiConfig, "new": config}, map[string]string{"old": before.namespace, "new": after.namespace})
	after.ready()

	secrets := &corev1.SecretList{}
	if err := after.api.List(t.Context(), secrets); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for i := range secrets.Items {
		names[secrets.Items[i].Name] = true
	}
	if diff := cmp.Diff([]string{"hub-service-secret", "hub-token", "settings"}, slices.Sorted(maps.Keys(names))); diff != "" {
		t.Errorf("Secrets of the new cluster (-want +got):\n%s", diff)
	}
	if !token.Valid(inLooker, get(after, "hub-service-secret", &corev1.Secret{}).Data["secret"]) {
		t.Error("Looker's token is not valid in the new cluster")
	}
	want, got := get(before, "hub", &v1alpha1.IntegrationHub{}), get(after, "hub", &v1alpha1.IntegrationHub{})
	want.Spec.ServiceSecretRef = &v1alpha1.SecretKeyRef{Name: "hub-service-secret", Key: "secret"}
	if diff := cmp.Diff(want.Spec, got.Spec); diff != "" {
		t.Errorf("spec (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(want.Labels, got.Labels); diff != "" {
		t.Errorf("labels (-before +after):\n%s", diff)
	}
}

// newCluster starts another API server, with an issuer in a namespace.
func newCluster(t *testing.T) (*rest.Config, *fixture) {
	t.Helper()
	certManager, err := controllertest.CertManagerCRDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	env := controllertest.Environment(hubCRDs, certManager)
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	other, err := clientOf(config)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixtureOn(t, other)
	f.createIssuer()
	return config, f
}

// runREADME runs the commands that follow a comment with the test's name in the README, for the hub of
// the fixtures. The kubeconfig has a context for each cluster.
func runREADME(t *testing.T, clusters map[string]*rest.Config, namespaces map[string]string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "<!-- "+t.Name()+" runs these commands. -->\n")
	if !ok {
		t.Fatalf("README.md has no commands for %s", t.Name())
	}
	var commands strings.Builder
	for line := range strings.SplitSeq(rest, "\n") {
		if line != "" && !strings.HasPrefix(line, "    ") {
			break
		}
		commands.WriteString(strings.TrimPrefix(line, "    ") + "\n")
	}
	folder := t.TempDir()
	kubeconfig := clientcmdapi.NewConfig()
	for name, c := range clusters {
		kubeconfig.Clusters[name] = &clientcmdapi.Cluster{Server: "https://" + strings.TrimPrefix(c.Host, "https://"), CertificateAuthorityData: c.CAData}
		kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: c.CertData, ClientKeyData: c.KeyData}
		kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: namespaces[name]}
	}
	file := filepath.Join(folder, "kubeconfig")
	if err := clientcmd.WriteToFile(*kubeconfig, file); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.ReplaceAll(commands.String(), "integrationhub actions", "integrationhub hub"))
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "KUBECONFIG="+file, "PATH="+filepath.Dir(controllertest.Program(t, "kubectl"))+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
