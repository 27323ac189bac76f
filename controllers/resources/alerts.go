package resources

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed alerts.yaml
var alertsYAML []byte

// hubGroup is the group of alerts.yaml whose alerts are about hubs.
const hubGroup = "integration-hub"

// alert is a rule of a PrometheusRule.
type alert struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// downAlert needs the hub's name: Prometheus cannot know which other series should be there.
var downAlert = alert{
	Alert:  "IntegrationHubDown",
	Expr:   `absent(up{%s} == 1)`,
	For:    "5m",
	Labels: map[string]string{"severity": "critical"},
	Annotations: map[string]string{
		"summary":     "The hub is down or is not being scraped.",
		"description": "Prometheus cannot scrape any pod of the hub. See its conditions: kubectl describe integrationhub.",
	},
}

// hubAlerts returns the alerts of alerts.yaml that are about hubs, limited to one hub.
func hubAlerts(namespace, hub, service string) []any {
	// Prometheus labels what it scrapes with the namespace and the name of the Service.
	selector := fmt.Sprintf(`namespace=%q,service=%q`, namespace, service)
	down := downAlert
	down.Expr = fmt.Sprintf(down.Expr, selector)
	rules := []any{ruleOf(down, hub)}
	for _, a := range sharedAlerts() {
		a.Expr = withSelector(a.Expr, selector)
		rules = append(rules, ruleOf(a, hub))
	}
	return rules
}

var sharedAlerts = sync.OnceValue(func() []alert {
	var file struct {
		Groups []struct {
			Name  string  `json:"name"`
			Rules []alert `json:"rules"`
		} `json:"groups"`
	}
	if err := yaml.UnmarshalStrict(alertsYAML, &file); err != nil {
		panic("alerts.yaml: " + err.Error()) // embedded, and read by every test of PrometheusRule
	}
	for _, g := range file.Groups {
		if g.Name == hubGroup {
			return g.Rules
		}
	}
	return nil
})

// metric is a metric of the hub in an expression, and the brace that opens its matchers, if any.
var metric = regexp.MustCompile(`\b(integrationhub_\w+)(\{)?`)

// withSelector adds label matchers to every metric of the hub in an expression.
func withSelector(expr, selector string) string {
	return metric.ReplaceAllStringFunc(expr, func(found string) string {
		parts := metric.FindStringSubmatch(found)
		if parts[2] == "" {
			return parts[1] + "{" + selector + "}"
		}
		return parts[1] + "{" + selector + ","
	})
}

// ruleOf returns an alert as part of an unstructured object, labeled with the hub's name.
func ruleOf(a alert, hub string) map[string]any {
	labels := maps.Clone(a.Labels)
	labels["hub"] = hub
	rule := map[string]any{"alert": a.Alert, "expr": a.Expr, "labels": anyMap(labels), "annotations": anyMap(a.Annotations)}
	if a.For != "" {
		rule["for"] = a.For
	}
	return rule
}

func anyMap(values map[string]string) map[string]any {
	m := make(map[string]any, len(values))
	for k, v := range values {
		m[k] = v
	}
	return m
}
