package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
)

// Ports of the hub's container.
const (
	httpsPort, httpsName = 8443, "https"
	httpPort, httpName   = 8080, "http"
	adminName            = "admin"
	// AdminPort serves health, metrics and status inside the cluster.
	AdminPort = 9090
)

func containerPort(hub *v1alpha1.IntegrationHub) int32 {
	if ServesTLS(hub) {
		return httpsPort
	}
	return httpPort
}

func portName(hub *v1alpha1.IntegrationHub) string {
	if ServesTLS(hub) {
		return httpsName
	}
	return httpName
}

// servicePort returns the port of the Service.
func servicePort(hub *v1alpha1.IntegrationHub) int32 {
	if ServesTLS(hub) {
		return 443
	}
	return 80
}

// Service in front of the hub's pods.
func Service(in Inputs) *corev1ac.ServiceApplyConfiguration {
	hub := in.Hub
	spec := corev1ac.ServiceSpec().
		WithSelector(Selector(hub)).
		WithPorts(corev1ac.ServicePort().
			WithName(portName(hub)).WithPort(servicePort(hub)).WithTargetPort(intstr.FromString(portName(hub))))
	service := corev1ac.Service(hub.Name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithAnnotations(Annotations(hub)).
		WithOwnerReferences(owner(hub)).
		WithSpec(spec)
	if hub.Spec.Exposure == nil || hub.Spec.Exposure.Service == nil {
		return service
	}
	e := hub.Spec.Exposure.Service
	if e.Type != "" {
		spec.WithType(e.Type)
	}
	if e.LoadBalancerClass != nil {
		spec.WithLoadBalancerClass(*e.LoadBalancerClass)
	}
	for _, r := range e.LoadBalancerSourceRanges {
		spec.WithLoadBalancerSourceRanges(string(r))
	}
	if e.ExternalTrafficPolicy != "" {
		spec.WithExternalTrafficPolicy(e.ExternalTrafficPolicy)
	}
	if e.IPFamilyPolicy != nil {
		spec.WithIPFamilyPolicy(*e.IPFamilyPolicy)
	}
	spec.WithIPFamilies(e.IPFamilies...)
	service.WithLabels(labelsWith(in, e.Labels))
	if len(e.Annotations) > 0 {
		service.WithAnnotations(e.Annotations)
	}
	return service
}

// IsLoadBalancer reports whether the Service needs an external address.
func IsLoadBalancer(hub *v1alpha1.IntegrationHub) bool {
	e := hub.Spec.Exposure
	return e != nil && e.Service != nil && e.Service.Type == corev1.ServiceTypeLoadBalancer
}

// MetricsService lets Prometheus discover the hub's pods; nil without a ServiceMonitor. It is separate
// from the hub's Service, so that metrics are never exposed with it.
func MetricsService(in Inputs) *corev1ac.ServiceApplyConfiguration {
	hub := in.Hub
	if hub.Spec.Monitoring == nil || hub.Spec.Monitoring.ServiceMonitor == nil {
		return nil
	}
	return corev1ac.Service(metricsName(hub), hub.Namespace).
		WithLabels(Labels(hub)).
		WithLabels(metricsLabels).
		WithAnnotations(Annotations(hub)).
		WithOwnerReferences(owner(hub)).
		WithSpec(corev1ac.ServiceSpec().
			WithClusterIP(corev1.ClusterIPNone).
			WithSelector(Selector(hub)).
			WithPorts(corev1ac.ServicePort().
				WithName(adminName).WithPort(AdminPort).WithTargetPort(intstr.FromString(adminName))))
}

func metricsName(hub *v1alpha1.IntegrationHub) string { return hub.Name + "-metrics" }

// metricsLabels distinguish the metrics Service from the hub's own.
var metricsLabels = map[string]string{"app.kubernetes.io/component": "metrics"}
