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
// +kubebuilder:resource:shortName=ih,categories=integration-hub
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.status.replicas`
// +kubebuilder:printcolumn:name="Available",type=integer,JSONPath=`.status.readyReplicas`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.observedVersion`
// +kubebuilder:printcolumn:name="Certificate until",type=string,format=date-time,priority=1,JSONPath=`.status.certificateNotAfter`
// +kubebuilder:printcolumn:name="Paused",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Paused")].status`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="the name must start with a letter and contain only lowercase letters, digits and hyphens, because the Service has the same name"
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 52",message="the name must not be longer than 52 characters, because names of other objects are derived from it"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.serviceSecretRef) || self.spec.serviceSecretRef.name != self.metadata.name + '-token'",message="serviceSecretRef must not reference the Secret with the token, which the operator creates"
type IntegrationHub struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the desired state.
	Spec IntegrationHubSpec `json:"spec"`

	// Status is the observed state.
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

// IntegrationHubSpec is the desired state of a hub.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tls.terminatedElsewhere) || !self.tls.terminatedElsewhere || has(self.baseURL) || has(self.exposure) && (has(self.exposure.ingress) && has(self.exposure.ingress.host) || has(self.exposure.gateway) && has(self.exposure.gateway.hostnames))",message="tls.terminatedElsewhere requires baseURL, exposure.ingress.host or exposure.gateway.hostnames"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.exposure.ingress) || has(self.baseURL) || has(self.exposure.ingress.host)",message="exposure.ingress requires a host: set baseURL or exposure.ingress.host"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.exposure.gateway) || has(self.baseURL) || has(self.exposure.gateway.hostnames)",message="exposure.gateway requires a host: set baseURL or exposure.gateway.hostnames"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.exposure.ingress) || !has(self.exposure.ingress.host) || !has(self.baseURL) || !isURL(self.baseURL) || url(self.baseURL).getHostname() == self.exposure.ingress.host",message="baseURL and exposure.ingress.host have different hosts: set only one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.exposure.ingress) || has(self.exposure.ingress.tlsSecretName) || !has(self.tls.terminatedElsewhere) || !self.tls.terminatedElsewhere",message="tls.terminatedElsewhere requires exposure.ingress.tlsSecretName for the Ingress"
// +kubebuilder:validation:XValidation:rule="!has(self.integrations) || self.integrations.size() == 0 || has(self.defaultEnabled) && self.defaultEnabled || self.integrations.exists(i, !has(i.enabled) || i.enabled)",message="enable at least one integration, or remove the list to offer all that need no settings"
// +kubebuilder:validation:XValidation:rule="!has(self.userStateFormat) || self.userStateFormat != 'Reference' || has(self.cipherSecretRef)",message="userStateFormat Reference requires cipherSecretRef, the key of the existing Looker Action Hub"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || !has(self.baseURL) || !(has(self.exposure.ingress) && !has(self.exposure.ingress.host) || has(self.exposure.gateway) && !has(self.exposure.gateway.hostnames)) || !self.baseURL.matches('^https://([0-9]+[.][0-9]+[.][0-9]+[.][0-9]+|[[].*])(:[0-9]+)?(/.*)?$')",message="exposure.ingress and exposure.gateway require a host name: baseURL has an IP address"
type IntegrationHubSpec struct {
	// ControllerClass is the class of the operator that manages the hub, if several operators watch its namespace.
	// An operator ignores hubs of other classes. The class of an operator is empty by default.
	//
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$`
	// +optional
	ControllerClass string `json:"controllerClass,omitempty"`

	// CommonMetadata are labels and annotations of all objects of the hub, and of its pods.
	// The operator can also be configured to copy some of the hub's own labels and annotations.
	//
	// +optional
	CommonMetadata *CommonMetadata `json:"commonMetadata,omitempty"`

	// Label is the name that Looker shows above the hub's integrations.
	//
	// +kubebuilder:default="Integration Hub"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Label string `json:"label,omitempty"`

	// BaseURL is the URL at which Looker and its users' browsers reach the hub, such as https://hub.example.com.
	// If empty, it is the URL of the Service, which works only if Looker runs in the same cluster.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHostname() != ''",message="baseURL must be an https URL with a host: Looker requires HTTPS"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || self.matches('^https?://([^/?#]*@)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*|[[][0-9a-fA-F:.]+])(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?#].*)?$')",message="the host of baseURL must be a lowercase DNS name or an IP address, and its port at most 65535"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || self.matches('^[a-z]+://[^/?#]*(/[-A-Za-z0-9._~]+)*/?([?#].*)?$') && !self.matches('/[.][.]?(/|$)')",message="the path of baseURL must consist of letters, digits, and the characters . _ ~ - between single slashes"
	// +kubebuilder:validation:XValidation:rule="!self.endsWith('/') && !self.contains('?') && !self.contains('#') && !self.contains('@')",message="baseURL must not end with a slash and must not contain a query, a fragment or a user name"
	// +optional
	BaseURL string `json:"baseURL,omitempty"`

	// Image of the hub; the operator's default image if empty.
	// Repositories other than that of the default image require the operator's policy (imagePrefixes).
	//
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^(([a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?|[[][0-9a-fA-F:]+])(:[0-9]+)?/)?[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)*(:[A-Za-z0-9_][-A-Za-z0-9_.]*)?(@[a-z0-9]+([-+._][a-z0-9]+)*:[0-9a-fA-F]+)?$')",message="must be an image such as registry.example.com/looker/hub:v1.2.3"
	// +optional
	Image string `json:"image,omitempty"`

	// ImagePullPolicy of the hub's container.
	//
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	// +kubebuilder:default=IfNotPresent
	// +optional
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// ImagePullSecrets reference Secrets in the same namespace for pulling the image.
	//
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	ImagePullSecrets []SecretRef `json:"imagePullSecrets,omitempty"`

	// Replicas is the number of pods. Use at least two to tolerate the loss of a node.
	// It is ignored when autoscaling is set.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +kubebuilder:default=2
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// ServiceSecretRef references the Secret from which Looker's token is derived.
	// If empty, the operator generates a Secret once and never overwrites it.
	// If that Secret is lost, see the annotation hub.integrationhub.dev/new-service-secret.
	// During a rotation, a second key named "previous" in that Secret keeps tokens of the previous secret valid.
	//
	// +optional
	ServiceSecretRef *SecretKeyRef `json:"serviceSecretRef,omitempty"`

	// ServiceSecretPolicy selects what happens to the generated Secret when the hub is deleted.
	// Retain: it stays, and a hub of the same name reuses it, so that Looker's token stays valid.
	// Delete: it is deleted with the hub.
	//
	// +kubebuilder:default=Retain
	// +optional
	ServiceSecretPolicy ServiceSecretPolicy `json:"serviceSecretPolicy,omitempty"`

	// CipherSecretRef references the Secret with the CIPHER_MASTER key (64 hexadecimal digits) of an existing Looker Action Hub.
	// Set it to migrate from that hub; if empty, keys are derived from the service secret.
	//
	// +optional
	CipherSecretRef *SecretKeyRef `json:"cipherSecretRef,omitempty"`

	// EncryptUserState encrypts the state that Looker stores for users, which contains their tokens at destinations.
	//
	// +optional
	EncryptUserState bool `json:"encryptUserState,omitempty"`

	// UserStateFormat selects the format of encrypted user state; Sealed if empty. Both formats are always read.
	// Sealed: authenticated encryption.
	// Reference: the format of the existing Looker Action Hub of cipherSecretRef, which can read it with the same key.
	// Set it while users may go back to that hub. It is not authenticated.
	//
	// +optional
	UserStateFormat UserStateFormat `json:"userStateFormat,omitempty"`

	// DefaultEnabled also enables all integrations that are not in the list and need no settings.
	//
	// +optional
	DefaultEnabled bool `json:"defaultEnabled,omitempty"`

	// Integrations to enable; if empty, all that need no settings.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	Integrations []Integration `json:"integrations,omitempty"`

	// CustomIntegrations selects the no-code integrations (HTTPIntegrations) of the hub; none if empty.
	//
	// +optional
	CustomIntegrations *CustomIntegrations `json:"customIntegrations,omitempty"`
	// Upstreams are other Action Hubs whose integrations this hub also serves.
	// If names conflict, the hub's own integrations take precedence, then the upstreams in the order of the list.
	//
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Upstreams []Upstream `json:"upstreams,omitempty"`

	// TLS configures the hub's certificate.
	TLS TLS `json:"tls"`

	// Exposure configures how Looker reaches the hub; a Service inside the cluster if empty.
	//
	// +optional
	Exposure *Exposure `json:"exposure,omitempty"`

	// Autoscaling scales the number of pods with the load.
	//
	// +optional
	Autoscaling *Autoscaling `json:"autoscaling,omitempty"`

	// Strategy configures how pods are replaced. By default, they are replaced one at a time, each after its replacement is ready.
	//
	// +optional
	Strategy *Strategy `json:"strategy,omitempty"`

	// Scheduling configures on which nodes the pods run.
	//
	// +optional
	Scheduling *Scheduling `json:"scheduling,omitempty"`

	// PodTemplate is a strategic merge patch for the pod template.
	// It may set labels, safe annotations, scheduling, DNS settings, and the pods' user and groups except root.
	// It may also set the resources and plain environment variables of the hub's container.
	// Everything else requires the operator's policy (anyPodTemplate).
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	// +optional
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`

	// ServiceAccount configures the pods' cloud workload identity.
	//
	// +optional
	ServiceAccount *ServiceAccount `json:"serviceAccount,omitempty"`

	// NetworkPolicy restricts the pods' network traffic; unrestricted if empty.
	//
	// +optional
	NetworkPolicy *NetworkPolicy `json:"networkPolicy,omitempty"`

	// PodDisruptionBudget limits how many pods are evicted at once when nodes are drained.
	//
	// +optional
	PodDisruptionBudget *PodDisruptionBudget `json:"podDisruptionBudget,omitempty"`

	// Monitoring creates objects for the Prometheus operator.
	//
	// +optional
	Monitoring *Monitoring `json:"monitoring,omitempty"`

	// Logging configures the pods' logs.
	//
	// +optional
	Logging *Logging `json:"logging,omitempty"`

	// Tracing exports traces of deliveries over OTLP.
	//
	// +optional
	Tracing *Tracing `json:"tracing,omitempty"`

	// Sentry reports the hub's internal errors to a Sentry project.
	//
	// +optional
	Sentry *Sentry `json:"sentry,omitempty"`

	// Limits of each pod.
	//
	// +optional
	Limits *Limits `json:"limits,omitempty"`

	// StatusPage serves a status page without secrets at the hub's URL.
	//
	// +kubebuilder:default=true
	// +optional
	StatusPage *bool `json:"statusPage,omitempty"`

	// StatusPageAccess selects who can read the status page.
	// Token: anyone who has the token for Looker. Others see only the label and that the hub is running.
	// Public: anyone who can reach the hub.
	//
	// +kubebuilder:default=Token
	// +optional
	StatusPageAccess StatusPageAccess `json:"statusPageAccess,omitempty"`

	// Egress restricts what the hub connects to.
	//
	// +optional
	Egress *Egress `json:"egress,omitempty"`

	// Resources of the hub's container.
	// The hub streams data, so it needs little memory for any amount of data; multipart uploads hold up to 32 MiB each.
	// The default is a request of 100m CPU and 128Mi memory, and a memory limit of 2Gi.
	// With a memory limit, the garbage collector keeps the heap below it.
	//
	// +kubebuilder:validation:XValidation:rule="!has(self.claims) || self.claims.size() == 0",message="resources.claims is not supported"
	// +kubebuilder:validation:XValidation:rule="['cpu', 'memory', 'ephemeral-storage'].all(k, !has(self.requests) || !(k in self.requests) || !quantity(string(self.requests[k])).isLessThan(quantity('0')) && (!has(self.limits) || !(k in self.limits) || !quantity(string(self.requests[k])).isGreaterThan(quantity(string(self.limits[k])))))",message="resources.requests must not be negative or greater than resources.limits"
	// +kubebuilder:validation:XValidation:rule="['cpu', 'memory', 'ephemeral-storage'].all(k, !has(self.limits) || !(k in self.limits) || !quantity(string(self.limits[k])).isLessThan(quantity('0')))",message="resources.limits must not be negative"
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// DrainTimeout is how long running deliveries may continue when a pod stops.
	// An interrupted delivery cannot be resumed: Looker's download URL works only once.
	//
	// +kubebuilder:default="15m"
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('0s') && duration(self) <= duration('2h')",message="drainTimeout must be between 0s and 2h, such as 90s, 15m or 1h30m"
	// +optional
	DrainTimeout string `json:"drainTimeout,omitempty"`

	// ProgressDeadline is how long pods may take to start before the hub is Stalled.
	// Until then, pods that cannot be scheduled or pull their image are reported as Reconciling.
	//
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('10s') && duration(self) <= duration('24h')",message="progressDeadline must be between 10s and 24h, such as 90s, 10m or 1h30m"
	// +optional
	ProgressDeadline string `json:"progressDeadline,omitempty"`

	// Paused stops reconciliation of the hub until it is set to false.
	//
	// +optional
	Paused bool `json:"paused,omitempty"`
}
