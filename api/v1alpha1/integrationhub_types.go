package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IntegrationHub is a Looker Action Hub that runs in this cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:resource:shortName=ih,categories=integrationhub
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.spec.replicas`
// +kubebuilder:printcolumn:name="Available",type=integer,JSONPath=`.status.readyReplicas`
// +kubebuilder:printcolumn:name="Certificate until",type=string,format=date-time,priority=1,JSONPath=`.status.certificateNotAfter`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="the name must begin with a letter and hold only lower-case letters, digits and hyphens: the hub's Service has the same name"
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 52",message="the name must not be longer than 52 characters: the names of the hub's objects are made from it"
type IntegrationHub struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is asked for.
	Spec IntegrationHubSpec `json:"spec"`

	// Status is how far the operator got, and what to do about the rest.
	//
	// +optional
	Status IntegrationHubStatus `json:"status,omitempty"`
}

// IntegrationHubList is a list of hubs.
//
// +kubebuilder:object:root=true
type IntegrationHubList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []IntegrationHub `json:"items"`
}

// IntegrationHubSpec is what a platform engineer asks for.
type IntegrationHubSpec struct {
	// Label is the name that Looker shows above the hub's integrations.
	//
	// +kubebuilder:default="Integration Hub"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Label string `json:"label,omitempty"`

	// BaseURL is the address under which Looker and its users' browsers reach the hub, such as
	// https://hub.example.com. Without it the hub is known by its Service's name, which works
	// only for a Looker inside the cluster.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHostname() != ''",message="baseURL must begin with https:// and name a host: Looker accepts no other hubs"
	// +kubebuilder:validation:XValidation:rule="!self.endsWith('/') && !self.contains('?') && !self.contains('#') && !self.contains('@')",message="baseURL must not end with a slash and must not contain a query, a fragment or a user name"
	// +optional
	BaseURL string `json:"baseURL,omitempty"`

	// Image is the hub's image; without it the operator uses the one it was installed with.
	//
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Image string `json:"image,omitempty"`

	// ImagePullPolicy says when the image is pulled.
	//
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	// +kubebuilder:default=IfNotPresent
	// +optional
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// ImagePullSecrets name Secrets of the same namespace with which the image is pulled.
	//
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// Replicas is the number of pods. Two survive the loss of a node.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +kubebuilder:default=2
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// ServiceSecretRef names the Secret from which Looker's token is made. Without it the
	// operator generates one, once, and never overwrites it. A second key named "previous"
	// in that Secret keeps tokens of the old secret valid while it is rotated.
	//
	// +optional
	ServiceSecretRef *SecretKeyRef `json:"serviceSecretRef,omitempty"`

	// Integrations are those on offer. Without the list all are that need no settings.
	//
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.exists(i, !has(i.enabled) || i.enabled)",message="enable at least one integration, or leave the list out to offer all that need no settings"
	// +listType=map
	// +listMapKey=name
	// +optional
	Integrations []Integration `json:"integrations,omitempty"`

	// TLS says where the hub's certificate comes from.
	TLS TLS `json:"tls"`

	// Egress says what the hub may connect to, and whom it trusts there.
	//
	// +optional
	Egress *Egress `json:"egress,omitempty"`

	// Resources of the hub's container. A hub streams: it needs little memory whatever the
	// size of the data. With a memory limit the garbage collector keeps below it.
	//
	// +kubebuilder:validation:XValidation:rule="!has(self.claims) || self.claims.size() == 0",message="resources.claims is not supported: a hub uses no devices"
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// DrainTimeout is how long running deliveries may go on when a pod is told to stop. A
	// delivery that is cut off is lost: Looker's download address answers only once.
	//
	// +kubebuilder:default="15m"
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('0s') && duration(self) <= duration('2h')",message="drainTimeout must be between 0s and 2h, written as 90s, 15m or 1h30m"
	// +optional
	DrainTimeout string `json:"drainTimeout,omitempty"`
}

// SecretKeyRef names a key of a Secret in the hub's namespace.
type SecretKeyRef struct {
	// Name of the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Key within the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +kubebuilder:default=secret
	// +optional
	Key string `json:"key,omitempty"`
}

// Integration is one destination that Looker can deliver to.
//
// +kubebuilder:validation:XValidation:rule="!has(self.settings) || self.settings.all(k, k.matches('^[A-Z][A-Z0-9_]*$'))",message="the keys of settings are names of environment variables, such as TRAY_EXTRA_DOMAINS"
// +kubebuilder:validation:XValidation:rule="!has(self.settings) || !self.settings.exists(k, k.startsWith('ACTION_') || k.startsWith('CIPHER_') || k.startsWith('SSL_CERT_') || k in ['PORT', 'GOMEMLIMIT', 'PATH', 'HOME', 'BASE_URL', 'INTEGRATION_SERVICE_SECRET'])",message="settings must not set what belongs to the hub itself: ACTION_*, CIPHER_*, SSL_CERT_*, PORT, GOMEMLIMIT and the like"
type Integration struct {
	// Name is the integration's name on the wire.
	Name IntegrationName `json:"name"`

	// Enabled takes an integration off the list without losing its settings here.
	//
	// +kubebuilder:default=true
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// SecretRef names a Secret of the same namespace whose keys are the integration's
	// settings by their environment names, such as AIRTABLE_CLIENT_ID.
	//
	// +optional
	SecretRef *SecretRef `json:"secretRef,omitempty"`

	// Settings that are no secret, by their environment names. They win over the same names in
	// Secrets. All integrations of a hub share one environment.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Settings map[string]SettingValue `json:"settings,omitempty"`
}

// SettingValue is the value of a setting.
//
// +kubebuilder:validation:MaxLength=4096
type SettingValue string

// SecretRef names a Secret in the hub's namespace.
type SecretRef struct {
	// Name of the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// TLS says where the hub's certificate comes from.
//
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || !self.renewBefore.matches('^([0-9]+(h|m|s))+$') || (has(self.duration) ? !self.duration.matches('^([0-9]+(h|m|s))+$') || duration(self.renewBefore) < duration(self.duration) : duration(self.renewBefore) < duration('2160h'))",message="renewBefore must be shorter than duration, which is 2160h unless set"
type TLS struct {
	// IssuerRef names the cert-manager issuer. Looker accepts only certificates that its own
	// host trusts: for a Looker hosted by Google, that means a public authority.
	IssuerRef IssuerRef `json:"issuerRef"`

	// DNSNames are further names for the certificate. The base URL's host is always in it.
	// Without a base URL the Service's names are too; with one they are not, because a public
	// authority refuses names that exist only inside the cluster. A proxy that checks the
	// hub's certificate by such a name needs it listed here, and an issuer that grants it.
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

// ConfigMapKeyRef names a key of a ConfigMap in the hub's namespace.
type ConfigMapKeyRef struct {
	// Name of the ConfigMap.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Key within the ConfigMap.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +kubebuilder:default="ca.crt"
	// +optional
	Key string `json:"key,omitempty"`
}

// IntegrationHubStatus is what the operator answers.
type IntegrationHubStatus struct {
	// ObservedGeneration is the generation of the spec that the rest speaks of.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions say what works, and what to do about the rest.
	//
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// URL is the address to enter in Looker.
	//
	// +optional
	URL string `json:"url,omitempty"`

	// TokenSecretRef names the Secret whose key "token" holds the token to enter in Looker.
	//
	// +optional
	TokenSecretRef *SecretKeyRef `json:"tokenSecretRef,omitempty"`

	// Integrations are those on offer; empty means all that need no settings.
	//
	// +listType=atomic
	// +optional
	Integrations []string `json:"integrations,omitempty"`

	// CertificateNotAfter is when the hub's certificate expires.
	//
	// +optional
	CertificateNotAfter *metav1.Time `json:"certificateNotAfter,omitempty"`

	// Replicas is the number of the hub's pods.
	//
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// ReadyReplicas is the number of those that take deliveries.
	//
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`

	// Selector selects the hub's pods, for autoscalers and kubectl.
	//
	// +optional
	Selector string `json:"selector,omitempty"`
}
