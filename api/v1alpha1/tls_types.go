package v1alpha1

// TLS says where the hub's certificate comes from.
//
// +kubebuilder:validation:XValidation:rule="(has(self.issuerRef) ? 1 : 0) + (has(self.secretName) ? 1 : 0) + (has(self.terminatedElsewhere) && self.terminatedElsewhere ? 1 : 0) == 1",message="say where the certificate comes from: exactly one of issuerRef, secretName and terminatedElsewhere"
// +kubebuilder:validation:XValidation:rule="has(self.issuerRef) || !(has(self.dnsNames) || has(self.duration) || has(self.renewBefore) || has(self.privateKey))",message="dnsNames, duration, renewBefore and privateKey belong to a certificate that an issuer makes: they need issuerRef"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || !self.renewBefore.matches('^([0-9]+(h|m|s))+$') || (has(self.duration) ? !self.duration.matches('^([0-9]+(h|m|s))+$') || duration(self.renewBefore) < duration(self.duration) : duration(self.renewBefore) < duration('2160h'))",message="renewBefore must be shorter than duration, which is 2160h unless set"
type TLS struct {
	// IssuerRef names the cert-manager issuer. Looker accepts only certificates that its own
	// host trusts: for a Looker hosted by Google, that means a public authority.
	//
	// +optional
	IssuerRef *IssuerRef `json:"issuerRef,omitempty"`

	// SecretName names an existing Secret of type kubernetes.io/tls in the hub's namespace,
	// for certificates that something other than cert-manager keeps up to date. The hub reads
	// it again when it changes.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	SecretName string `json:"secretName,omitempty"`

	// TerminatedElsewhere makes the pods speak plain HTTP, for a mesh or a proxy of your own
	// in front of them that speaks HTTPS to Looker.
	//
	// +optional
	TerminatedElsewhere bool `json:"terminatedElsewhere,omitempty"`

	// DNSNames are further names for the certificate. The base URL's host is always in it.
	// Without a base URL the Service's names are too; with one they are not, because a public
	// authority refuses names that exist only inside the cluster. A proxy that checks the
	// hub's certificate by such a name needs it listed here, and an issuer that grants it. Names
	// of other Services are refused; the operator's policy may allow certain hosts only.
	//
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be a DNS name such as hub.example.com or *.example.com"
	// +listType=set
	// +optional
	DNSNames []string `json:"dnsNames,omitempty"`

	// Duration is how long the certificate shall be valid; at least an hour. Without it
	// cert-manager asks for 2160h, and some issuers decide for themselves.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('1h')",message="duration must be at least 1h, written as 2160h (there is no unit for days)"
	// +optional
	Duration string `json:"duration,omitempty"`

	// RenewBefore is how long before its end the certificate is renewed; at least five
	// minutes. Without it cert-manager renews when a third of the time is left.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('5m')",message="renewBefore must be at least 5m, written as 30m or 360h (there is no unit for days)"
	// +optional
	RenewBefore string `json:"renewBefore,omitempty"`

	// PrivateKey says what key the certificate is for. Without it: ECDSA with 256 bits, a new
	// one with each certificate.
	//
	// +optional
	PrivateKey *PrivateKey `json:"privateKey,omitempty"`
}

// PrivateKey says what key a certificate is for.
//
// +kubebuilder:validation:XValidation:rule="!has(self.size) || (self.algorithm == 'RSA' ? self.size in [2048, 3072, 4096] : self.algorithm == 'ECDSA' ? self.size in [256, 384, 521] : false)",message="size must be 2048, 3072 or 4096 for RSA, 256, 384 or 521 for ECDSA, and left out for Ed25519"
type PrivateKey struct {
	// Algorithm of the key.
	//
	// +kubebuilder:validation:Enum=RSA;ECDSA;Ed25519
	// +kubebuilder:default=ECDSA
	// +optional
	Algorithm string `json:"algorithm,omitempty"`

	// Size of the key in bits.
	//
	// +optional
	Size int32 `json:"size,omitempty"`

	// RotationPolicy says whether each certificate gets a new key.
	//
	// +kubebuilder:validation:Enum=Always;Never
	// +kubebuilder:default=Always
	// +optional
	RotationPolicy string `json:"rotationPolicy,omitempty"`
}

// IssuerRef names an issuer of cert-manager, or of one of its external issuers.
//
// +kubebuilder:validation:XValidation:rule="self.group.size() > 0 && self.group != 'cert-manager.io' || self.kind in ['Issuer', 'ClusterIssuer']",message="kind must be Issuer or ClusterIssuer, unless group names an external issuer's"
type IssuerRef struct {
	// Name of the issuer.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Kind of the issuer: Issuer, of the hub's namespace, or ClusterIssuer, or an external
	// issuer's own kind.
	//
	// +kubebuilder:default=Issuer
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Kind string `json:"kind,omitempty"`

	// Group of the issuer's kind. The operator cannot look whether an issuer of another group
	// exists; cert-manager's answer is in the condition CertificateReady.
	//
	// +kubebuilder:default="cert-manager.io"
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Group string `json:"group,omitempty"`
}
