package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Exposure configures how Looker and its users' browsers reach the hub's pods.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.ingress) && has(self.gateway))",message="set ingress or gateway, not both"
type Exposure struct {
	// Service configures the Service in front of the pods.
	//
	// +optional
	Service *ServiceExposure `json:"service,omitempty"`

	// Ingress creates an Ingress for the Service.
	//
	// +optional
	Ingress *IngressExposure `json:"ingress,omitempty"`

	// Gateway creates an HTTPRoute of the Gateway API for the Service.
	//
	// +optional
	Gateway *GatewayExposure `json:"gateway,omitempty"`
}

// ServiceExposure configures the Service in front of the pods.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'LoadBalancer' || !(has(self.loadBalancerClass) || has(self.loadBalancerSourceRanges))",message="loadBalancerClass and loadBalancerSourceRanges require type LoadBalancer"
// +kubebuilder:validation:XValidation:rule="has(self.type) && self.type != 'ClusterIP' || !has(self.externalTrafficPolicy)",message="externalTrafficPolicy requires type NodePort or LoadBalancer"
// +kubebuilder:validation:XValidation:rule="!has(self.ipFamilies) || self.ipFamilies.size() < 2 || has(self.ipFamilyPolicy) && self.ipFamilyPolicy != 'SingleStack'",message="two ipFamilies require ipFamilyPolicy PreferDualStack or RequireDualStack"
type ServiceExposure struct {
	// Type of the Service.
	//
	// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
	// +kubebuilder:default=ClusterIP
	// +optional
	Type corev1.ServiceType `json:"type,omitempty"`

	// Annotations of the Service, such as those of a cloud's load balancer.
	// Only common safe keys are allowed; others require the operator's policy (annotations).
	//
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-zA-Z0-9]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="keys must have the form example.com/team or team"
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// Labels of the Service in addition to the hub's own, such as those that select a load balancer pool.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-zA-Z0-9]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="keys must have the form example.com/team or team"
	// +optional
	Labels map[string]LabelValue `json:"labels,omitempty"`

	// ExternalTrafficPolicy decides whether nodes route external traffic to pods on other nodes.
	// Local keeps the client's address, and only nodes with a pod accept traffic; Cluster if empty.
	//
	// +kubebuilder:validation:Enum=Cluster;Local
	// +optional
	ExternalTrafficPolicy corev1.ServiceExternalTrafficPolicy `json:"externalTrafficPolicy,omitempty"`

	// IPFamilyPolicy decides how many IP families the Service has; the cluster's default if empty.
	// An existing Service keeps its policy when the field is removed; SingleStack removes the second family.
	//
	// +kubebuilder:validation:Enum=SingleStack;PreferDualStack;RequireDualStack
	// +optional
	IPFamilyPolicy *corev1.IPFamilyPolicy `json:"ipFamilyPolicy,omitempty"`

	// IPFamilies of the Service, the primary one first; the cluster's default if empty.
	// The primary family of an existing Service cannot change.
	//
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:items:Enum=IPv4;IPv6
	// +kubebuilder:validation:XValidation:rule="self.size() < 2 || self[0] != self[1]",message="ipFamilies must not repeat a family"
	// +listType=atomic
	// +optional
	IPFamilies []corev1.IPFamily `json:"ipFamilies,omitempty"`

	// LoadBalancerClass selects the load balancer implementation.
	//
	// +kubebuilder:validation:MaxLength=253
	// +optional
	LoadBalancerClass *string `json:"loadBalancerClass,omitempty"`

	// LoadBalancerSourceRanges restricts which client addresses may use the load balancer, such as 35.153.89.114/32.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	LoadBalancerSourceRanges []CIDR `json:"loadBalancerSourceRanges,omitempty"`
}

// IngressExposure configures the Ingress in front of the Service.
type IngressExposure struct {
	// ClassName is the ingress class; the cluster's default if empty.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lowercase letters, digits, hyphens and dots"
	// +optional
	ClassName *string `json:"className,omitempty"`

	// Host of the Ingress; the host of baseURL if empty.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="host must be a DNS name such as hub.example.com"
	// +optional
	Host string `json:"host,omitempty"`

	// Annotations of the Ingress.
	// The operator's own annotations configure ingress-nginx for HTTPS backends and for large, slow requests; keys set here override them.
	// Only common safe keys are allowed; others require the operator's policy (annotations).
	//
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-zA-Z0-9]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="keys must have the form example.com/team or team"
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// TLSSecretName references the Secret with the certificate that the Ingress serves; the hub's own certificate if empty.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lowercase letters, digits, hyphens and dots"
	// +optional
	TLSSecretName string `json:"tlsSecretName,omitempty"`
}

// GatewayExposure configures the HTTPRoute between a Gateway and the Service.
type GatewayExposure struct {
	// ParentRefs are the Gateways, or their listeners, that route to the hub.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	ParentRefs []ParentRef `json:"parentRefs"`

	// Hostnames of the HTTPRoute; the host of baseURL if empty.
	//
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be a DNS name such as hub.example.com"
	// +listType=set
	// +optional
	Hostnames []string `json:"hostnames,omitempty"`

	// Annotations of the HTTPRoute.
	// Only common safe keys are allowed; others require the operator's policy (annotations).
	//
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-zA-Z0-9]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="keys must have the form example.com/team or team"
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// CABundleRef references a ConfigMap whose key ca.crt holds the CA of the hub's certificate, for the BackendTLSPolicy.
	// If empty, the Gateway uses the system's CAs.
	// It is ignored when TLS is terminated elsewhere.
	//
	// +optional
	CABundleRef *ConfigMapRef `json:"caBundleRef,omitempty"`
}

// ParentRef references a Gateway.
type ParentRef struct {
	// Name of the Gateway.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Namespace of the Gateway; the hub's namespace if empty.
	//
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// SectionName is the name of a listener; all matching listeners if empty.
	//
	// +kubebuilder:validation:MaxLength=253
	// +optional
	SectionName string `json:"sectionName,omitempty"`

	// Port of a listener; all matching listeners if unset.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port *int32 `json:"port,omitempty"`
}

// NetworkPolicy restricts the pods' network traffic.
type NetworkPolicy struct {
	// From are the peers that may connect to the hub; all peers if empty.
	// Requests without a valid token are rejected in any case.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	From []networkingv1.NetworkPolicyPeer `json:"from,omitempty"`

	// MetricsFrom are the peers that may read health and metrics; all peers in the cluster if empty.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	MetricsFrom []networkingv1.NetworkPolicyPeer `json:"metricsFrom,omitempty"`

	// Egress are the allowed destinations in addition to DNS; all destinations if empty.
	// The hub itself blocks private ranges (spec.egress).
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Egress []networkingv1.NetworkPolicyEgressRule `json:"egress,omitempty"`
}
