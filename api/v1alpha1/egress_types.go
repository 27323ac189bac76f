package v1alpha1

// Egress says what the hub may connect to. Public addresses are allowed unless the lists
// below say otherwise; loopback, link-local and cloud metadata addresses never are.
type Egress struct {
	// AllowCIDRs are private ranges that hold destinations, or Looker itself.
	//
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="must be a range such as 10.1.0.0/16"
	// +listType=set
	// +optional
	AllowCIDRs []string `json:"allowCIDRs,omitempty"`

	// DenyCIDRs are ranges that are closed, public ones too. They outweigh allowCIDRs.
	//
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="must be a range such as 10.1.0.0/16"
	// +listType=set
	// +optional
	DenyCIDRs []string `json:"denyCIDRs,omitempty"`

	// AllowHosts are the only hosts that the hub connects to, Looker's included; all, unless
	// set. *.example.com stands for all hosts below example.com, and not for itself.
	//
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([*][.])?([a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?[.])*[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$') || isIP(self)",message="must be a host such as example.com, *.example.com for all below it, or an address"
	// +listType=set
	// +optional
	AllowHosts []string `json:"allowHosts,omitempty"`

	// AllowPorts are the only ports that the hub connects to; all, unless set.
	//
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=65535
	// +listType=set
	// +optional
	AllowPorts []int32 `json:"allowPorts,omitempty"`

	// Proxy makes the hub use a proxy for HTTP and HTTPS.
	//
	// +optional
	Proxy *Proxy `json:"proxy,omitempty"`

	// CABundleRef names a ConfigMap of the same namespace with further certificate
	// authorities (PEM) that the hub trusts at destinations.
	//
	// +optional
	CABundleRef *ConfigMapKeyRef `json:"caBundleRef,omitempty"`
}

// Proxy says by which proxy the hub connects. The address that is connected to is then the
// proxy's choice: the hub judges what it asks the proxy for.
type Proxy struct {
	// SecretRef names a Secret with the keys HTTPS_PROXY, HTTP_PROXY and NO_PROXY, of which
	// one of the first two must be there. The addresses may hold a user and a password.
	SecretRef SecretRef `json:"secretRef"`

	// Use is Resolve, where the proxy is used for hosts that can be looked up in the cluster
	// and whose addresses are all allowed, or Trust, where it is also used for names that
	// the cluster does not know. Choose Trust only where the proxy itself keeps clients from
	// what is inside.
	//
	// +kubebuilder:validation:Enum=Resolve;Trust
	// +kubebuilder:default=Resolve
	// +optional
	Use string `json:"use,omitempty"`
}
