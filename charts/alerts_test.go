package charts_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAlertsNameMetrics: every metric in an alert is one that the hub registers, or one of
// controller-runtime's, which the manager's library registers.
func TestAlertsNameMetrics(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join("..", "hub", "metrics.go"))
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile(filepath.Join(chart, "files", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\b(integrationhub|controller_runtime)_\w+`).FindAllString(string(alerts), -1)
	if len(names) == 0 {
		t.Fatal("the alerts name no metric")
	}
	for _, name := range names {
		known := strings.Contains(string(source), `"`+name+`"`) || name == "controller_runtime_reconcile_errors_total"
		if !known {
			t.Errorf("no program has the metric %s", name)
		}
	}
}
