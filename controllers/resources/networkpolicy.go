package resources

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
)

// NetworkPolicy restricts the pods' network traffic; nil if the spec has none.
func NetworkPolicy(in Inputs) *networkingv1ac.NetworkPolicyApplyConfiguration {
	hub := in.Hub
	p := hub.Spec.NetworkPolicy
	if p == nil {
		return nil
	}
	spec := networkingv1ac.NetworkPolicySpec().
		WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(hub))).
		WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress).
		WithIngress(
			ingressRule(containerPort(hub), p.From),
			ingressRule(AdminPort, p.MetricsFrom))
	if len(p.Egress) == 0 {
		spec.WithEgress(networkingv1ac.NetworkPolicyEgressRule()) // everything
	} else {
		spec.WithEgress(networkingv1ac.NetworkPolicyEgressRule().WithPorts(port(corev1.ProtocolUDP, 53), port(corev1.ProtocolTCP, 53)))
		for _, rule := range p.Egress {
			spec.WithEgress(applied[networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration](rule))
		}
	}
	return networkingv1ac.NetworkPolicy(hub.Name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithAnnotations(Annotations(hub)).
		WithOwnerReferences(owner(hub)).
		WithSpec(spec)
}

// ingressRule allows peers to connect to a port; all peers if none are named.
func ingressRule(number int32, from []networkingv1.NetworkPolicyPeer) *networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration {
	rule := networkingv1ac.NetworkPolicyIngressRule().WithPorts(port(corev1.ProtocolTCP, number))
	for _, peer := range from {
		rule.WithFrom(applied[networkingv1ac.NetworkPolicyPeerApplyConfiguration](peer))
	}
	return rule
}

func port(protocol corev1.Protocol, number int32) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(number))
}
