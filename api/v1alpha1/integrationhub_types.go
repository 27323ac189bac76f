package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.status.replicas`
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
//
// +kubebuilder:validation:XValidation:rule="!has(self.tls.terminatedElsewhere) || !self.tls.terminatedElsewhere || has(self.baseURL) || has(self.exposure) && (has(self.exposure.ingress) && has(self.exposure.ingress.host) || has(self.exposure.gateway) && has(self.exposure.gateway.hostnames))",message="with tls.terminatedElsewhere say under which address Looker reaches the hub: baseURL, exposure.ingress.host or exposure.gateway.hostnames"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.exposure.ingress) || has(self.baseURL) || has(self.exposure.ingress.host)",message="an Ingress needs a host: set baseURL or exposure.ingress.host"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.exposure.gateway) || has(self.baseURL) || has(self.exposure.gateway.hostnames)",message="an HTTPRoute needs a host: set baseURL or exposure.gateway.hostnames"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.exposure.ingress) || !has(self.exposure.ingress.host) || !has(self.baseURL) || !isURL(self.baseURL) || url(self.baseURL).getHostname() == self.exposure.ingress.host",message="baseURL and exposure.ingress.host name different hosts: set one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.exposure.ingress) || has(self.exposure.ingress.tlsSecretName) || !has(self.tls.terminatedElsewhere) || !self.tls.terminatedElsewhere",message="with tls.terminatedElsewhere the Ingress needs a certificate of its own: set exposure.ingress.tlsSecretName"
// +kubebuilder:validation:XValidation:rule="!has(self.integrations) || self.integrations.size() == 0 || has(self.defaultEnabled) && self.defaultEnabled || self.integrations.exists(i, !has(i.enabled) || i.enabled)",message="enable at least one integration, or leave the list out to offer all that need no settings"
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
	// Other repositories than that one's need the operator's policy (imagePrefixes).
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

	// Replicas is the number of pods. Two survive the loss of a node. With autoscaling it has
	// no meaning.
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

	// CipherSecretRef names the Secret with the reference's key for users' tokens
	// (CIPHER_MASTER, 64 hexadecimal digits), for a hub that takes over from one. Without it
	// keys are derived from the service secret.
	//
	// +optional
	CipherSecretRef *SecretKeyRef `json:"cipherSecretRef,omitempty"`

	// EncryptUserState makes the hub encrypt what it has Looker keep for its users: their
	// tokens at destinations.
	//
	// +optional
	EncryptUserState bool `json:"encryptUserState,omitempty"`

	// DefaultEnabled offers the integrations that the list below does not name, too, as far
	// as they need no settings.
	//
	// +optional
	DefaultEnabled bool `json:"defaultEnabled,omitempty"`

	// Integrations are those on offer. Without the list all are that need no settings.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	Integrations []Integration `json:"integrations,omitempty"`

	// TLS says where the hub's certificate comes from.
	TLS TLS `json:"tls"`

	// Exposure says how Looker comes to the hub. Without it there is a Service in the cluster.
	//
	// +optional
	Exposure *Exposure `json:"exposure,omitempty"`

	// Autoscaling lets the number of pods follow the load.
	//
	// +optional
	Autoscaling *Autoscaling `json:"autoscaling,omitempty"`

	// Scheduling says on which nodes the pods run.
	//
	// +optional
	Scheduling *Scheduling `json:"scheduling,omitempty"`

	// PodTemplate is merged into the pods' template, strategically, as kubectl patch does. It may
	// set labels and safe annotations, where pods are scheduled, how they look names up, and of
	// the hub's container the resources and plain environment variables. Everything else needs
	// the operator's policy (anyPodTemplate).
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	// +optional
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`

	// ServiceAccount is the pods' identity towards clouds.
	//
	// +optional
	ServiceAccount *ServiceAccount `json:"serviceAccount,omitempty"`

	// NetworkPolicy, if there is one, closes the pods but for what they need.
	//
	// +optional
	NetworkPolicy *NetworkPolicy `json:"networkPolicy,omitempty"`

	// PodDisruptionBudget keeps pods while nodes are drained.
	//
	// +optional
	PodDisruptionBudget *PodDisruptionBudget `json:"podDisruptionBudget,omitempty"`

	// Monitoring makes the objects by which the Prometheus operator finds the hub.
	//
	// +optional
	Monitoring *Monitoring `json:"monitoring,omitempty"`

	// Logging says what the pods log.
	//
	// +optional
	Logging *Logging `json:"logging,omitempty"`

	// Tracing sends traces of deliveries by OTLP.
	//
	// +optional
	Tracing *Tracing `json:"tracing,omitempty"`

	// Sentry is told of the hub's own faults.
	//
	// +optional
	Sentry *Sentry `json:"sentry,omitempty"`

	// Limits bound what one pod takes on.
	//
	// +optional
	Limits *Limits `json:"limits,omitempty"`

	// StatusPage serves a page for people, without secrets, at the hub's address.
	//
	// +kubebuilder:default=true
	// +optional
	StatusPage *bool `json:"statusPage,omitempty"`

	// Egress says what the hub may connect to, and whom it trusts there.
	//
	// +optional
	Egress *Egress `json:"egress,omitempty"`

	// Resources of the hub's container. A hub streams: it needs little memory whatever the
	// size of the data, but for uploads in parts, which hold up to 32 MiB each. Unless set:
	// requests of 100m CPU and 128Mi, and a limit of 2Gi. With a memory limit the garbage
	// collector keeps below it.
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

	// Paused leaves everything as it is, whatever changes, until it is false again.
	//
	// +optional
	Paused bool `json:"paused,omitempty"`
}
