package v1alpha1

// Egress restricts what the hub connects to.
// Public addresses are allowed, unless the lists exclude them.
// Loopback, link-local and cloud metadata addresses are always blocked.
type Egress struct {
	// AllowCIDRs are private ranges that the hub may connect to, such as those of destinations or of Looker.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	AllowCIDRs []CIDR `json:"allowCIDRs,omitempty"`

	// DenyCIDRs are blocked ranges, private or public.
	// They take precedence over allowCIDRs.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	DenyCIDRs []CIDR `json:"denyCIDRs,omitempty"`

	// AllowHosts are the only hosts that the hub connects to, including Looker; all hosts if empty.
	// *.example.com matches all subdomains of example.com, but not example.com.
	//
	// +kubebuilder:validation:MaxItems=128
	// +listType=set
	// +optional
	AllowHosts []Host `json:"allowHosts,omitempty"`

	// AllowPorts are the only ports that the hub connects to; all ports if empty.
	//
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=65535
	// +listType=set
	// +optional
	AllowPorts []int32 `json:"allowPorts,omitempty"`

	// Proxy is the HTTP and HTTPS proxy for outbound connections.
	//
	// +optional
	Proxy *Proxy `json:"proxy,omitempty"`

	// CABundleRef references a ConfigMap in the same namespace with additional CA certificates (PEM) for outbound TLS.
	//
	// +optional
	CABundleRef *ConfigMapKeyRef `json:"caBundleRef,omitempty"`
}

// Proxy configures the proxy for outbound connections.
// The proxy resolves the address; the hub checks only the host that it requests from the proxy.
type Proxy struct {
	// SecretRef references a Secret with the keys HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
	// One of the first two is required.
	// The URLs may contain a user name and a password.
	SecretRef SecretRef `json:"secretRef"`

	// Use selects for which hosts the proxy is used.
	// Resolve: for hosts that resolve in the cluster and whose addresses are all allowed.
	// Trust: also for names that do not resolve in the cluster.
	// Use Trust only if the proxy itself blocks access to internal addresses.
	//
	// +kubebuilder:validation:Enum=Resolve;Trust
	// +kubebuilder:default=Resolve
	// +optional
	Use string `json:"use,omitempty"`
}
