package resources_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

var update = flag.Bool("update", false, "write testdata/*/want.yaml anew")

// One hub in, its objects out: testdata/<case>/hub.yaml and want.yaml.
func TestObjects(t *testing.T) {
	t.Parallel()
	hubs, err := filepath.Glob("testdata/*/hub.yaml")
	if err != nil || len(hubs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range hubs {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			hub := &v1alpha1.IntegrationHub{}
			if err := yaml.UnmarshalStrict(text, hub); err != nil {
				t.Fatal(err)
			}
			got := objects(t, resources.Inputs{
				Hub: hub, Image: "integrationhub.local/hub:test",
				ServiceSecret: []byte("service secret"), Token: []byte("token"), ConfigChecksum: "checksum",
				CustomSecretKeys: map[string][]string{"crm": {"password", "user"}, "opsgenie": {"token"}},
				SecretKeys:       map[string][]string{"zapier-settings": {"ACTION_HUB_SECRET", "CIPHER_MASTER", "ZAPIER_KEY", "not a name"}},
			})
			golden := filepath.Join(folder, "want.yaml")
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("go test ./controllers/resources -update, if this is as it should be (-want +got):\n%s", diff)
			}
		})
	}
}

func objects(t *testing.T, in resources.Inputs) []byte {
	t.Helper()
	deployment, err := resources.Deployment(in)
	if err != nil {
		t.Fatal(err)
	}
	routes := append([]resources.Child{resources.ServiceChild(in)}, resources.Routes(in)...)
	list := []any{resources.TokenSecret(in)}
	if s := resources.ServiceSecret(in); s != nil {
		list = append(list, s)
	}
	if c := resources.Certificate(in); c != nil {
		list = append(list, c)
	}
	for _, c := range slices.Concat(resources.Pods(in, deployment), resources.Scaling(in), routes, resources.Monitoring(in)) {
		if c.Config != nil {
			list = append(list, c.Config)
		}
	}
	documents := make([][]byte, 0, len(list))
	for _, o := range list {
		text, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, text)
	}
	return bytes.Join(documents, []byte("---\n"))
}
