package v1alpha1

// TLS configures the hub's certificate.
//
// +kubebuilder:validation:XValidation:rule="(has(self.issuerRef) ? 1 : 0) + (has(self.secretName) ? 1 : 0) + (has(self.terminatedElsewhere) && self.terminatedElsewhere ? 1 : 0) == 1",message="set exactly one of issuerRef, secretName and terminatedElsewhere"
// +kubebuilder:validation:XValidation:rule="has(self.issuerRef) || !(has(self.dnsNames) || has(self.duration) || has(self.renewBefore) || has(self.privateKey))",message="dnsNames, duration, renewBefore and privateKey require issuerRef"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || !self.renewBefore.matches('^([0-9]+(h|m|s))+$') || (has(self.duration) ? !self.duration.matches('^([0-9]+(h|m|s))+$') || duration(self.renewBefore) < duration(self.duration) : duration(self.renewBefore) < duration('2160h'))",message="renewBefore must be shorter than duration, which defaults to 2160h"
type TLS struct {
	// IssuerRef references a cert-manager issuer.
	// Looker accepts only certificates that its own host trusts. Instances that Google hosts require a public CA.
	//
	// +optional
	IssuerRef *IssuerRef `json:"issuerRef,omitempty"`

	// SecretName references an existing Secret of type kubernetes.io/tls in the hub's namespace.
	// Use it for certificates that are not managed by cert-manager.
	// The hub reloads the Secret when it changes.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lowercase letters, digits, hyphens and dots"
	// +optional
	SecretName string `json:"secretName,omitempty"`

	// TerminatedElsewhere makes the pods serve plain HTTP.
	// Use it behind a service mesh or a proxy that serves HTTPS to Looker.
	//
	// +optional
	TerminatedElsewhere bool `json:"terminatedElsewhere,omitempty"`

	// DNSNames are additional names for the certificate; the host of baseURL is always included.
	// The names of the Service are included only if baseURL is empty, because public CAs reject cluster-internal names.
	// If a proxy verifies the certificate by such a name, list the name here, and use an issuer that can issue it.
	// Names of other Services are rejected, and the operator's policy can restrict the hosts.
	//
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be a DNS name such as hub.example.com or *.example.com"
	// +listType=set
	// +optional
	DNSNames []string `json:"dnsNames,omitempty"`

	// Duration of the certificate, at least one hour.
	// If empty, cert-manager requests 2160h; some issuers ignore the request.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('1h')",message="duration must be at least 1h, in hours, minutes or seconds, such as 2160h"
	// +optional
	Duration string `json:"duration,omitempty"`

	// RenewBefore is how long before expiry the certificate is renewed, at least five minutes.
	// If empty, cert-manager renews when a third of the duration is left.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('5m')",message="renewBefore must be at least 5m, in hours, minutes or seconds, such as 360h"
	// +optional
	RenewBefore string `json:"renewBefore,omitempty"`

	// PrivateKey configures the certificate's private key; ECDSA with 256 bits, rotated at every renewal, if empty.
	//
	// +optional
	PrivateKey *PrivateKey `json:"privateKey,omitempty"`
}

// PrivateKey configures a certificate's private key.
//
// +kubebuilder:validation:XValidation:rule="!has(self.size) || (self.algorithm == 'RSA' ? self.size in [2048, 3072, 4096] : self.algorithm == 'ECDSA' ? self.size in [256, 384, 521] : false)",message="size must be 2048, 3072 or 4096 for RSA, and 256, 384 or 521 for ECDSA; Ed25519 has no size"
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

	// RotationPolicy selects whether a renewal creates a new key.
	//
	// +kubebuilder:validation:Enum=Always;Never
	// +kubebuilder:default=Always
	// +optional
	RotationPolicy string `json:"rotationPolicy,omitempty"`
}

// IssuerRef references a cert-manager issuer, or an external issuer.
//
// +kubebuilder:validation:XValidation:rule="self.group.size() > 0 && self.group != 'cert-manager.io' || self.kind in ['Issuer', 'ClusterIssuer']",message="kind must be Issuer or ClusterIssuer, unless group is that of an external issuer"
type IssuerRef struct {
	// Name of the issuer.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lowercase letters, digits, hyphens and dots"
	Name string `json:"name"`

	// Kind of the issuer: Issuer (in the hub's namespace), ClusterIssuer, or the kind of an external issuer.
	//
	// +kubebuilder:default=Issuer
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Kind string `json:"kind,omitempty"`

	// Group of the issuer's kind.
	// The operator cannot check whether an external issuer exists; see the condition CertificateReady.
	//
	// +kubebuilder:default="cert-manager.io"
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Group string `json:"group,omitempty"`
}
