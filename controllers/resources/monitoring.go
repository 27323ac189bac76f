package resources

import (
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"integrationhub.dev/api/v1alpha1"
)

// The Prometheus operator's module has many dependencies, so its objects are unstructured
// (https://prometheus-operator.dev/docs/api-reference/api/).
var (
	ServiceMonitorKind = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}
	PrometheusRuleKind = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"}
)

// ServiceMonitor makes Prometheus scrape the hub's pods; nil if the spec has none.
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

// PrometheusRule makes Prometheus raise alerts about the hub; nil if the spec has none.
func PrometheusRule(in Inputs) *unstructured.Unstructured {
	hub := in.Hub
	if hub.Spec.Monitoring == nil || hub.Spec.Monitoring.PrometheusRule == nil {
		return nil
	}
	rule := object(in, PrometheusRuleKind, nil)
	rule.SetLabels(labelsWith(in, hub.Spec.Monitoring.PrometheusRule.Labels))
	rule.Object["spec"] = map[string]any{"groups": []any{map[string]any{
		"name": hub.Namespace + "-" + hub.Name, "rules": hubAlerts(hub.Namespace, hub.Name, metricsName(hub)),
	}}}
	return rule
}

// labelsWith returns the hub's labels and those by which a Prometheus selects its objects.
func labelsWith(in Inputs, more map[string]v1alpha1.LabelValue) map[string]string {
	labels := labelMap(more)
	maps.Copy(labels, Labels(in.Hub))
	return labels
}
