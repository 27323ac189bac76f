package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// LookerRegistration registers an IntegrationHub of the same namespace in a Looker instance, and keeps
// the settings of its integrations in Looker in sync with the spec.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=lreg,categories=integration-hub
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Looker",type=string,JSONPath=`.spec.looker.url`
// +kubebuilder:printcolumn:name="Hub ID",type=string,JSONPath=`.status.hubID`
// +kubebuilder:printcolumn:name="Enabled",type=integer,JSONPath=`.status.enabledIntegrations`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type LookerRegistration struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the desired state.
	Spec LookerRegistrationSpec `json:"spec"`

	// Status is the observed state.
	//
	// +optional
	Status LookerRegistrationStatus `json:"status,omitempty"`
}

// LookerRegistrationList is a list of registrations.
//
// +kubebuilder:object:root=true
type LookerRegistrationList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []LookerRegistration `json:"items"`
}

// LookerRegistrationSpec is the desired state of a registration.
type LookerRegistrationSpec struct {
	// ControllerClass is the class of the operator that manages the registration; use that of its hub.
	// An operator ignores registrations of other classes. The class of an operator is empty by default.
	//
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$`
	// +optional
	ControllerClass string `json:"controllerClass,omitempty"`

	// HubRef references the IntegrationHub to register.
	//
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="hubRef cannot be changed: create another LookerRegistration for another hub"
	HubRef HubRef `json:"hubRef"`

	// Looker is the Looker instance in which the hub is registered.
	Looker LookerInstance `json:"looker"`

	// DeletionPolicy selects what happens to the hub in Looker when the registration is deleted.
	// Delete removes it from Looker, with the settings of its integrations. Schedules that use them then fail.
	//
	// +kubebuilder:default=Retain
	// +optional
	DeletionPolicy RegistrationDeletionPolicy `json:"deletionPolicy,omitempty"`

	// MissingHubPolicy selects what happens when the registered hub was deleted in Looker.
	// A recreated hub has a new ID. Update the schedules in Looker that used the deleted hub.
	//
	// +kubebuilder:default=Recreate
	// +optional
	MissingHubPolicy MissingHubPolicy `json:"missingHubPolicy,omitempty"`

	// Adopt adopts a hub with the same URL that exists in Looker and was not created by this registration.
	// Without it, the registration leaves such a hub unchanged and is Stalled.
	//
	// +optional
	Adopt bool `json:"adopt,omitempty"`

	// AcceptLegalAgreement accepts the legal agreement of the hub in Looker, if Looker requires one.
	//
	// +optional
	AcceptLegalAgreement bool `json:"acceptLegalAgreement,omitempty"`

	// Integrations whose settings the operator keeps in sync in Looker.
	//
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	Integrations []RegisteredIntegration `json:"integrations,omitempty"`

	// Prune disables integrations that are not listed, and clears parameters of listed integrations that are not listed.
	// Without it, they are left unchanged.
	//
	// +optional
	Prune bool `json:"prune,omitempty"`

	// Interval is how often the operator compares Looker with the spec.
	//
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('30s') && duration(self) <= duration('24h')",message="interval must be between 30s and 24h, such as 90s, 10m or 1h30m"
	// +optional
	Interval string `json:"interval,omitempty"`
}

// HubRef references an IntegrationHub in the same namespace.
type HubRef struct {
	// Name of the IntegrationHub.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=52
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
}

// LookerInstance is a Looker instance and the API credentials for it.
type LookerInstance struct {
	// URL of Looker's API, without the path of an API version, such as https://looker.example.com:19999.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHostname() != ''",message="looker.url must be an https URL with a host"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || self.matches('^[a-z]+://([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*|[[][0-9a-fA-F:.]+])(:[0-9]{1,5})?(/[-A-Za-z0-9._~]+)*$')",message="looker.url must have a lowercase host and must not end with a slash or contain a query, a fragment or a user name"
	// +kubebuilder:validation:XValidation:rule="!self.matches('/api(/[0-9.]+)?$')",message="looker.url must not contain the path of the API version"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="looker.url cannot be changed: create another LookerRegistration for another Looker instance"
	URL string `json:"url"`

	// CredentialsSecretRef references a Secret with an API key of a Looker user, under the keys client_id and client_secret.
	// The user must be an admin of Looker.
	CredentialsSecretRef SecretRef `json:"credentialsSecretRef"`

	// CABundleRef references a ConfigMap with the CA certificates of Looker's API, in PEM format.
	// They are trusted in addition to the system's CAs.
	//
	// +optional
	CABundleRef *ConfigMapKeyRef `json:"caBundleRef,omitempty"`
}

// RegistrationDeletionPolicy selects what happens to a hub in Looker when its registration is deleted.
//
// +kubebuilder:validation:Enum=Retain;Delete
type RegistrationDeletionPolicy string

const (
	// RetainHub keeps the hub in Looker. It is the default.
	RetainHub RegistrationDeletionPolicy = "Retain"
	// DeleteHub deletes the hub in Looker. A finalizer keeps the registration until that is done.
	DeleteHub RegistrationDeletionPolicy = "Delete"
)

// MissingHubPolicy selects what happens when a registered hub was deleted in Looker.
//
// +kubebuilder:validation:Enum=Recreate;Stall
type MissingHubPolicy string

const (
	// RecreateHub recreates the hub. It is the default.
	RecreateHub MissingHubPolicy = "Recreate"
	// StallWithoutHub creates nothing: the registration is Stalled.
	StallWithoutHub MissingHubPolicy = "Stall"
)

// RegisteredIntegration configures an integration in Looker.
type RegisteredIntegration struct {
	// Name of the integration in the hub, such as google_sheets.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$`
	Name string `json:"name"`

	// Enabled makes the integration available to Looker's users; it is left unchanged if unset.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// Params are values of the integration's parameters.
	//
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	Params []IntegrationParam `json:"params,omitempty"`

	// DelegateOAuthTargets are the installations of an integration with delegated OAuth, such as Slack workspaces, that are available to users.
	// They are left unchanged if the list is empty.
	//
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	// +listType=set
	// +optional
	DelegateOAuthTargets []string `json:"delegateOAuthTargets,omitempty"`

	// Test selects when Looker tests the integration: after each change (the default), or never.
	// A failed test is repeated at the interval.
	//
	// +optional
	Test IntegrationTestPolicy `json:"test,omitempty"`
}

// IntegrationTestPolicy selects when Looker tests an integration.
//
// +kubebuilder:validation:Enum=OnChange;Never
type IntegrationTestPolicy string

const (
	// TestOnChange tests an enabled integration after each change. It is the default.
	TestOnChange IntegrationTestPolicy = "OnChange"
	// TestNever never tests the integration.
	TestNever IntegrationTestPolicy = "Never"
)

// IntegrationParam is the value of a parameter of an integration.
//
// +kubebuilder:validation:XValidation:rule="(has(self.value) ? 1 : 0) + (has(self.valueFrom) ? 1 : 0) + (has(self.userAttribute) ? 1 : 0) == 1",message="a parameter must have exactly one of value, valueFrom and userAttribute"
type IntegrationParam struct {
	// Name of the parameter.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Name string `json:"name"`

	// Value that is not secret; an empty value clears the parameter.
	//
	// +kubebuilder:validation:MaxLength=4096
	// +optional
	Value *string `json:"value,omitempty"`

	// ValueFrom references a secret value.
	//
	// +optional
	ValueFrom *ParamSource `json:"valueFrom,omitempty"`

	// UserAttribute is the Looker user attribute that provides the parameter's value for each user.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +optional
	UserAttribute string `json:"userAttribute,omitempty"`
}

// ParamSource references the value of a parameter.
type ParamSource struct {
	// SecretKeyRef references a key of a Secret in the same namespace.
	SecretKeyRef ParamSecretRef `json:"secretKeyRef"`
}

// ParamSecretRef references a key of a Secret. Unlike [SecretKeyRef], its key has no default: it is part
// of a list.
type ParamSecretRef struct {
	// Name of the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Name string `json:"name"`

	// Key in the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key"`
}

// AbandonAnnotation with the value "true" lets a registration be deleted that the operator cannot remove
// from Looker, because that Looker instance is gone or no longer accepts the credentials.
const AbandonAnnotation = "hub.integrationhub.dev/abandon-registration"

// RegistrationFinalizer keeps a registration with the deletionPolicy Delete until its hub is deleted in
// Looker.
const RegistrationFinalizer = "hub.integrationhub.dev/looker-registration"

// LookerRegistrationStatus is the observed state of a registration.
type LookerRegistrationStatus struct {
	// ObservedGeneration is the generation of the spec that the status refers to.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions report the state of each part of the registration, and how to resolve problems.
	//
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// HubID is the ID of the hub in Looker.
	//
	// +optional
	HubID string `json:"hubID,omitempty"`

	// HubURL is the URL with which the hub is registered in Looker.
	//
	// +optional
	HubURL string `json:"hubURL,omitempty"`

	// PendingHubURL is the URL of a hub that the operator is creating in Looker.
	// If the operator is interrupted, it recognizes the hub by this URL.
	//
	// +optional
	PendingHubURL string `json:"pendingHubURL,omitempty"`

	// TokenDigest is a salted digest of the token that was last written to Looker.
	//
	// +optional
	TokenDigest string `json:"tokenDigest,omitempty"`

	// EnabledIntegrations is the number of the hub's integrations that are enabled in Looker.
	//
	// +optional
	EnabledIntegrations *int32 `json:"enabledIntegrations,omitempty"`

	// Integrations is the state of the listed integrations in Looker.
	//
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	Integrations []RegisteredIntegrationStatus `json:"integrations,omitempty"`

	// LastHandledReconcileAt is the last handled value of the annotation hub.integrationhub.dev/reconcile-at.
	//
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`
}

// RegisteredIntegrationStatus is the state of a listed integration in Looker.
type RegisteredIntegrationStatus struct {
	// Name of the integration.
	Name string `json:"name"`

	// Synced is true if the integration's settings in Looker match the spec.
	Synced bool `json:"synced"`

	// Enabled is true if Looker's users can use the integration.
	//
	// +optional
	Enabled bool `json:"enabled,omitempty"`

	// Message explains why the settings do not match the spec, and what to do.
	//
	// +optional
	Message string `json:"message,omitempty"`

	// CorrectedFields are the fields that were last changed in Looker and that the operator restored.
	//
	// +kubebuilder:validation:MaxItems=40
	// +listType=set
	// +optional
	CorrectedFields []string `json:"correctedFields,omitempty"`

	// SettingsDigest identifies the settings that were last written to Looker.
	// It is keyed with the API key's secret, so values cannot be guessed from it.
	//
	// +optional
	SettingsDigest string `json:"settingsDigest,omitempty"`

	// Test is the result of Looker's last test of these settings.
	//
	// +optional
	Test *IntegrationTestStatus `json:"test,omitempty"`
}

// IntegrationTestStatus is the result of Looker's test of an integration.
type IntegrationTestStatus struct {
	// Success is true if the test succeeded.
	Success bool `json:"success"`

	// Message is Looker's message.
	//
	// +optional
	Message string `json:"message,omitempty"`
}
