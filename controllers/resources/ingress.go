package resources

import (
	"maps"

	networkingv1 "k8s.io/api/networking/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
)

// Ingress routes requests from the hub's host to its Service; nil if the spec has none.
func Ingress(in Inputs) *networkingv1ac.IngressApplyConfiguration {
	hub := in.Hub
	if hub.Spec.Exposure == nil || hub.Spec.Exposure.Ingress == nil {
		return nil
	}
	e := hub.Spec.Exposure.Ingress
	host := exposedHosts(hub)[0]
	secret := e.TLSSecretName
	if secret == "" {
		secret = TLSSecretName(hub)
	}
	spec := networkingv1ac.IngressSpec().
		WithTLS(networkingv1ac.IngressTLS().WithHosts(host).WithSecretName(secret)).
		WithRules(networkingv1ac.IngressRule().WithHost(host).
			WithHTTP(networkingv1ac.HTTPIngressRuleValue().WithPaths(networkingv1ac.HTTPIngressPath().
				WithPath(basePath(hub)).WithPathType(networkingv1.PathTypePrefix).
				WithBackend(networkingv1ac.IngressBackend().WithService(networkingv1ac.IngressServiceBackend().
					WithName(hub.Name).WithPort(networkingv1ac.ServiceBackendPort().WithName(portName(hub))))))))
	if e.ClassName != nil {
		spec.WithIngressClassName(*e.ClassName)
	}
	annotations := map[string]string{
		// Deliveries are large, slow and streamed. A newline every 30 seconds keeps the
		// connection alive, so the timeouts need not be long.
		"nginx.ingress.kubernetes.io/proxy-body-size":         "0",
		"nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
		"nginx.ingress.kubernetes.io/proxy-read-timeout":      "300",
		"nginx.ingress.kubernetes.io/proxy-send-timeout":      "300",
		// Retrying on another pod could deliver twice.
		"nginx.ingress.kubernetes.io/proxy-next-upstream": "off",
	}
	if ServesTLS(hub) {
		annotations["nginx.ingress.kubernetes.io/backend-protocol"] = "HTTPS"
	}
	maps.Copy(annotations, e.Annotations)
	return networkingv1ac.Ingress(hub.Name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithAnnotations(Annotations(hub)).
		WithAnnotations(annotations).
		WithOwnerReferences(owner(hub)).
		WithSpec(spec)
}
