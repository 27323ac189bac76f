package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Exposure says how Looker and its users' browsers come to the hub's pods.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.ingress) && has(self.gateway))",message="expose the hub by an Ingress or by a Gateway, not by both"
type Exposure struct {
	// Service in front of the pods.
	//
	// +optional
	Service *ServiceExposure `json:"service,omitempty"`

	// Ingress makes an Ingress that leads to the Service.
	//
	// +optional
	Ingress *IngressExposure `json:"ingress,omitempty"`

	// Gateway makes an HTTPRoute of the Gateway API that leads to the Service.
	//
	// +optional
	Gateway *GatewayExposure `json:"gateway,omitempty"`
}

// ServiceExposure is the Service in front of the pods.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'LoadBalancer' || !(has(self.loadBalancerClass) || has(self.loadBalancerSourceRanges))",message="loadBalancerClass and loadBalancerSourceRanges need the type LoadBalancer"
type ServiceExposure struct {
	// Type of the Service.
	//
	// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
	// +kubebuilder:default=ClusterIP
	// +optional
	Type corev1.ServiceType `json:"type,omitempty"`

	// Annotations of the Service, such as a cloud's for its load balancers. Others than common
	// harmless ones need the operator's policy (annotations).
	//
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// LoadBalancerClass is the implementation of the load balancer.
	//
	// +kubebuilder:validation:MaxLength=253
	// +optional
	LoadBalancerClass *string `json:"loadBalancerClass,omitempty"`

	// LoadBalancerSourceRanges are the addresses that may use the load balancer.
	//
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="must be a range such as 35.153.89.114/32"
	// +listType=set
	// +optional
	LoadBalancerSourceRanges []string `json:"loadBalancerSourceRanges,omitempty"`
}

// IngressExposure is the Ingress in front of the Service.
type IngressExposure struct {
	// ClassName is the ingress class. Without it the cluster's default is used.
	//
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ClassName *string `json:"className,omitempty"`

	// Host of the hub's address. It is baseURL's host where that is set.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="host must be a DNS name such as hub.example.com"
	// +optional
	Host string `json:"host,omitempty"`

	// Annotations of the Ingress. The operator's own tell ingress-nginx that the pods speak
	// HTTPS and that deliveries may be large and slow; those of the same name here win. Others
	// than common harmless ones need the operator's policy (annotations).
	//
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// TLSSecretName is the Secret with the certificate that the Ingress serves. Without it
	// that is the hub's own, which the issuer makes for the address.
	//
	// +kubebuilder:validation:MaxLength=253
	// +optional
	TLSSecretName string `json:"tlsSecretName,omitempty"`
}

// GatewayExposure is the HTTPRoute between a Gateway and the Service.
type GatewayExposure struct {
	// ParentRefs are the Gateways, or listeners of them, that lead to the hub.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	ParentRefs []ParentRef `json:"parentRefs"`

	// Hostnames of the hub's address. Without them it is baseURL's host.
	//
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be a DNS name such as hub.example.com"
	// +listType=set
	// +optional
	Hostnames []string `json:"hostnames,omitempty"`

	// Annotations of the HTTPRoute. Others than common harmless ones need the operator's policy
	// (annotations).
	//
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// CABundleRef names a ConfigMap whose key ca.crt holds the authority of the hub's own
	// certificate, for a Gateway that checks it (BackendTLSPolicy). Without it the system's
	// authorities are used. It has no meaning when TLS is terminated elsewhere.
	//
	// +optional
	CABundleRef *ConfigMapRef `json:"caBundleRef,omitempty"`
}

// ParentRef names a Gateway.
type ParentRef struct {
	// Name of the Gateway.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Namespace of the Gateway; the hub's own unless set.
	//
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// SectionName is the Gateway's listener; all that fit unless set.
	//
	// +kubebuilder:validation:MaxLength=253
	// +optional
	SectionName string `json:"sectionName,omitempty"`

	// Port of the Gateway's listener; all that fit unless set.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port *int32 `json:"port,omitempty"`
}

// NetworkPolicy closes the pods but for what they need.
type NetworkPolicy struct {
	// From may connect to the hub; everybody unless set: who has no token learns nothing.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	From []networkingv1.NetworkPolicyPeer `json:"from,omitempty"`

	// MetricsFrom may read health and metrics; everybody in the cluster unless set.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	MetricsFrom []networkingv1.NetworkPolicyPeer `json:"metricsFrom,omitempty"`

	// Egress is what the pods may connect to beside DNS; everything unless set, since the
	// hub's own guard closes private ranges (spec.egress).
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Egress []networkingv1.NetworkPolicyEgressRule `json:"egress,omitempty"`
}
