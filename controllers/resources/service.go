package resources

import (
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// Ports of the hub's container, by number and name.
const (
	httpsPort, httpsName = 8443, "https"
	adminPort, adminName = 9090, "admin"
)

// Service leads to the hub's pods.
func Service(in Inputs) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(in.Hub.Name, in.Hub.Namespace).
		WithLabels(Labels(in.Hub)).
		WithOwnerReferences(owner(in.Hub)).
		WithSpec(corev1ac.ServiceSpec().
			WithSelector(Selector(in.Hub)).
			WithPorts(corev1ac.ServicePort().
				WithName(httpsName).WithPort(443).WithTargetPort(intstr.FromString(httpsName))))
}

// ServiceAccount is the pods' identity. It can do nothing in the cluster and gets no token.
func ServiceAccount(in Inputs) *corev1ac.ServiceAccountApplyConfiguration {
	return corev1ac.ServiceAccount(in.Hub.Name, in.Hub.Namespace).
		WithLabels(Labels(in.Hub)).
		WithOwnerReferences(owner(in.Hub)).
		WithAutomountServiceAccountToken(false)
}
