package resources

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
)

// The cluster's domain comes from the flag, or from the pod's own resolv.conf.
//
//nolint:paralleltest // it changes the domain of the process
func TestClusterDomain(t *testing.T) {
	t.Cleanup(func() { clusterDomain.Store(nil) })
	hub := &v1alpha1.IntegrationHub{ObjectMeta: metav1.ObjectMeta{Name: "hub", Namespace: "looker"}}
	for _, tt := range []struct{ flag, resolvConf, want string }{
		{want: "cluster.local"},
		{resolvConf: "nameserver 10.96.0.10\nsearch looker.svc.corp.example svc.corp.example corp.example lan\noptions ndots:5\n", want: "corp.example"},
		{resolvConf: "search lan example.com\n", want: "cluster.local"},
		{flag: "k8s.example", resolvConf: "search svc.corp.example\n", want: "k8s.example"},
	} {
		file := filepath.Join(t.TempDir(), "resolv.conf")
		if tt.resolvConf != "" {
			if err := os.WriteFile(file, []byte(tt.resolvConf), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		SetClusterDomain(tt.flag, file)
		if names := ServiceNames(hub); !slices.Contains(names, "hub.looker.svc."+tt.want) {
			t.Errorf("%+v: the Service's names are %v", tt, names)
		}
	}
}
