package v1alpha1_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"integrationhub.dev/hub/env"
)

// The CRD refuses in settings exactly what the operator leaves out of Secrets.
func TestSettingsRule(t *testing.T) {
	t.Parallel()
	var terms []string
	for _, prefix := range env.ReservedPrefixes {
		terms = append(terms, fmt.Sprintf("k.startsWith('%s')", prefix))
	}
	for _, suffix := range env.ReservedSuffixes {
		terms = append(terms, fmt.Sprintf("k.endsWith('%s')", suffix))
	}
	terms = append(terms, "k in ['"+strings.Join(env.ReservedNames, "', '")+"']")
	want := "!has(self.settings) || !self.settings.exists(k, " + strings.Join(terms, " || ") + ")"
	marker, err := os.ReadFile("integrations_types.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(marker), `rule="`+want+`"`) {
		t.Errorf("integrations_types.go has another rule for reserved settings than hub/env:\n%s", want)
	}
	// The generated definition breaks long lines.
	crd, err := os.ReadFile(filepath.Join("..", "..", "config", "crd", "bases", "hub.integrationhub.dev_integrationhubs.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(strings.Fields(string(crd)), " "), strings.ReplaceAll(want, "'", "''")) &&
		!strings.Contains(strings.Join(strings.Fields(string(crd)), " "), want) {
		t.Error("the CRD has another rule for reserved settings than hub/env: run make generate")
	}
}
