package v1alpha1

// Egress says what the hub may connect to. Public addresses are always allowed; loopback,
// link-local and cloud metadata addresses never are.
type Egress struct {
	// AllowCIDRs are private ranges that hold destinations, or Looker itself.
	//
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="must be a range such as 10.1.0.0/16"
	// +listType=set
	// +optional
	AllowCIDRs []string `json:"allowCIDRs,omitempty"`

	// CABundleRef names a ConfigMap of the same namespace with further certificate
	// authorities (PEM) that the hub trusts at destinations.
	//
	// +optional
	CABundleRef *ConfigMapKeyRef `json:"caBundleRef,omitempty"`
}
