package resources

import (
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The Prometheus operator's module asks for much: its objects are built without it
// (https://prometheus-operator.dev/docs/api-reference/api/).
var (
	ServiceMonitorKind = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}
	PrometheusRuleKind = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"}
)

// ServiceMonitor makes Prometheus scrape the hub's pods; nil where the spec wants none.
func ServiceMonitor(in Inputs) *unstructured.Unstructured {
	hub := in.Hub
	if hub.Spec.Monitoring == nil || hub.Spec.Monitoring.ServiceMonitor == nil {
		return nil
	}
	m := hub.Spec.Monitoring.ServiceMonitor
	endpoint := map[string]any{"port": adminName, "path": "/metrics"}
	if m.Interval != "" {
		endpoint["interval"] = m.Interval
	}
	selector := map[string]any{}
	for k, v := range Selector(hub) {
		selector[k] = v
	}
	for k, v := range metricsLabels {
		selector[k] = v
	}
	monitor := object(in, ServiceMonitorKind, nil)
	monitor.SetLabels(labelsWith(in, m.Labels))
	monitor.Object["spec"] = map[string]any{
		"selector":  map[string]any{"matchLabels": selector},
		"endpoints": []any{endpoint},
		"jobLabel":  "app.kubernetes.io/instance",
	}
	return monitor
}

// alerts are what a person should hear of, each with how long it must last.
var alerts = []struct {
	name, expr, lasts, severity, summary string
}{
	{
		"IntegrationHubDown", `absent(up{HUB} == 1)`, "5m", "critical",
		"No pod of the hub answers: Looker's deliveries fail.",
	},
	{
		"IntegrationHubDeliveriesFailing",
		`sum by (integration) (rate(integrationhub_deliveries_total{HUB,outcome!="delivered"}[15m])) / sum by (integration) (rate(integrationhub_deliveries_total{HUB}[15m])) > 0.25`,
		"15m", "warning", "More than a quarter of the deliveries of {{ $labels.integration }} fail.",
	},
	{
		"IntegrationHubDeliveriesRefused", `increase(integrationhub_deliveries_refused_total{HUB}[15m]) > 0`, "0m", "warning",
		"Deliveries are refused because too many are under way: raise spec.limits or the number of pods.",
	},
	{
		"IntegrationHubCertificateExpires", `integrationhub_certificate_not_after_timestamp_seconds{HUB} - time() < 7 * 86400`, "1h", "warning",
		"The certificate that the hub serves expires within a week.",
	},
	{
		"IntegrationHubJobsNotFollowed", `sum by (integration) (increase(integrationhub_jobs_total{HUB,outcome=~"failed|timed_out|interrupted"}[15m])) > 0`, "0m", "warning",
		"Jobs that {{ $labels.integration }} started were followed to no end; the hub's log names them.",
	},
	{
		"IntegrationHubReloadFails", `increase(integrationhub_reloads_total{HUB,outcome="failed"}[15m]) > 0`, "15m", "warning",
		"The hub cannot read a changed {{ $labels.what }}; what it read before stays in use.",
	},
}

// PrometheusRule makes Prometheus raise alerts about the hub; nil where the spec wants none.
func PrometheusRule(in Inputs) *unstructured.Unstructured {
	hub := in.Hub
	if hub.Spec.Monitoring == nil || hub.Spec.Monitoring.PrometheusRule == nil {
		return nil
	}
	rules := make([]any, 0, len(alerts))
	for _, a := range alerts {
		rules = append(rules, map[string]any{
			"alert":       a.name,
			"expr":        ofHub(a.expr, hub.Namespace, metricsName(hub)),
			"for":         a.lasts,
			"labels":      map[string]any{"severity": a.severity, "hub": hub.Name},
			"annotations": map[string]any{"summary": hub.Namespace + "/" + hub.Name + ": " + a.summary},
		})
	}
	rule := object(in, PrometheusRuleKind, nil)
	rule.SetLabels(labelsWith(in, hub.Spec.Monitoring.PrometheusRule.Labels))
	rule.Object["spec"] = map[string]any{"groups": []any{map[string]any{"name": hub.Namespace + "-" + hub.Name, "rules": rules}}}
	return rule
}

// ofHub fills in which series are the hub's: Prometheus labels what it scrapes with the
// namespace and the name of the Service.
func ofHub(expr, namespace, service string) string {
	return strings.ReplaceAll(expr, "HUB", `namespace="`+namespace+`",service="`+service+`"`)
}

// labelsWith are the hub's labels and those by which a Prometheus selects its objects.
func labelsWith(in Inputs, more map[string]string) map[string]string {
	labels := maps.Clone(more)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, Labels(in.Hub))
	return labels
}
