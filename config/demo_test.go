package config_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// In a cluster that is in use the demo must not touch what is there: its objects are in two
// namespaces of its own or have names of its own, and carry the label by which they are removed.
func TestDemoHasNamesOfItsOwn(t *testing.T) {
	t.Parallel()
	const label = "app.kubernetes.io/part-of"
	for _, dir := range []string{"operator", "hub"} {
		for _, o := range build(t, filepath.Join("local", "demo", dir)) {
			name := o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
			if o.GetLabels()[label] != "integration-hub-demo" {
				t.Errorf("%s has no label %s, so that nothing removes it", name, label)
			}
			switch o.GetKind() {
			case "CustomResourceDefinition": // has to have its name; the demo refuses to run where it exists
			case "Namespace":
				if !slices.Contains([]string{"integration-hub-demo", "integration-hub-demo-system"}, o.GetName()) {
					t.Errorf("%s is not the demo's", name)
				}
			case "ClusterRole":
				if !strings.HasSuffix(o.GetName(), "-demo") {
					t.Errorf("%s is not the demo's", name)
				}
				for key := range o.GetLabels() {
					if strings.Contains(key, "aggregate-to") {
						t.Errorf("%s changes what the cluster's users may do", name)
					}
				}
			default:
				if !slices.Contains([]string{"integration-hub-demo", "integration-hub-demo-system"}, o.GetNamespace()) {
					t.Errorf("%s is not in the demo's namespaces", name)
				}
			}
		}
	}
}
