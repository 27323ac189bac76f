package v1alpha1

// Condition types. All but Reconciling, Stalled, CustomIntegrationsReady, UpstreamsReady, MonitoringReady,
// RolloutPending and Paused always exist; these seven exist only while they apply.
// A condition is Unknown until it has been checked.
const (
	// Ready: Looker can use the hub as the spec describes it. Accepted, CredentialsReady and
	// CertificateReady are true, Exposed is not false, and the settings of the integrations exist. Pods
	// of the current spec run, or are being started while others serve. A rollout, more replicas, a lost
	// pod or a changed token do not make it false while a pod serves: Reconciling is true then.
	Ready = "Ready"
	// Serving: at least one pod is ready, of the current or of an earlier spec.
	Serving = "Serving"
	// Reconciling: the operator is applying the spec, or is waiting for another controller.
	Reconciling = "Reconciling"
	// Stalled: the operator cannot apply the spec until an admin changes something.
	Stalled = "Stalled"
	// Accepted: the operator's policy allows the spec.
	Accepted = "Accepted"
	// CredentialsReady: the service secret and the token for Looker exist, and pods accept the token.
	CredentialsReady = "CredentialsReady"
	// CertificateReady: the certificate exists and is valid.
	CertificateReady = "CertificateReady"
	// IntegrationsReady: the settings of the integrations exist, and a running hub serves all
	// integrations that the spec names. Ready does not depend on the latter.
	IntegrationsReady = "IntegrationsReady"
	// CustomIntegrationsReady: all pods run the latest version of the HTTPIntegrations that the hub selects.
	// Ready does not depend on it.
	CustomIntegrationsReady = "CustomIntegrationsReady"
	// UpstreamsReady: a running hub can reach all hubs of spec.upstreams, and serves their integrations. Ready
	// does not depend on it.
	UpstreamsReady = "UpstreamsReady"
	// DeploymentAvailable: all pods of the current spec are available.
	DeploymentAvailable = "DeploymentAvailable"
	// Exposed: the Service, and the Ingress or HTTPRoute, exist and are accepted, and a pod is ready.
	Exposed = "Exposed"
	// MonitoringReady: the objects of spec.monitoring exist. Ready does not depend on it.
	MonitoringReady = "MonitoringReady"
	// RolloutPending: the operator changed the hub's pods, and is waiting for rollouts of other hubs. Ready
	// does not depend on it: the hub serves with its previous pods.
	RolloutPending = "RolloutPending"
	// Paused: spec.paused is true, so reconciliation is suspended.
	Paused = "Paused"
)

// Condition reasons.
const (
	// Succeeded: no action is needed.
	Succeeded = "Succeeded"
	// Progressing: pods are being started. No action is needed.
	Progressing = "Progressing"
	// Pending: an earlier step is not complete, or nothing has been observed yet. See the other conditions.
	Pending = "Pending"
	// NotAllowed: the operator's policy does not allow the spec. Change the fields in the message, or ask
	// the operator's administrator to allow them.
	NotAllowed = "NotAllowed"
	// SpecInvalid: the API server rejected an object as invalid. Correct the part of the spec that the
	// message names.
	SpecInvalid = "SpecInvalid"
	// NoPodReady: no pod is ready, so Looker cannot use the hub. See the other conditions.
	NoPodReady = "NoPodReady"
	// ServiceSecretLost: the generated service secret no longer exists, so Looker's token is lost. Restore the
	// Secret from a backup, or request a new one with the annotation
	// hub.integrationhub.dev/new-service-secret.
	ServiceSecretLost = "ServiceSecretLost"
	// TokenPending: pods do not accept the new token yet. Keep the previous token in Looker until they
	// do.
	TokenPending = "TokenPending"
	// SecretNotFound: a Secret does not exist. Create it, or correct the reference.
	SecretNotFound = "SecretNotFound"
	// SecretInvalid: a Secret has a wrong or missing value. Correct the key in the message.
	SecretInvalid = "SecretInvalid"
	// ConfigMapNotFound: a ConfigMap or its key does not exist. Create it.
	ConfigMapNotFound = "ConfigMapNotFound"
	// SettingsConflict: two integrations set the same variable. Set it in one place, or create two
	// hubs.
	SettingsConflict = "SettingsConflict"
	// SettingReserved: an integration's Secret sets a variable that has its own field in the spec.
	// Set that field, or remove the key.
	SettingReserved = "SettingReserved"
	// PodTemplateInvalid: spec.podTemplate is not valid. Correct the part of the spec that the message names.
	PodTemplateInvalid = "PodTemplateInvalid"
	// KindMissing: the cluster lacks a CRD that the spec needs. Install it, or remove the field from
	// the spec. Reconciliation resumes automatically.
	KindMissing = "KindMissing"
	// AddressPending: the load balancer or the Gateway is not ready. If this persists, check that its
	// controller is installed and running.
	AddressPending = "AddressPending"
	// RouteNotAccepted: a Gateway rejected the HTTPRoute or the BackendTLSPolicy. The message
	// contains its reason.
	RouteNotAccepted = "RouteNotAccepted"
	// IngressClassNotFound: the class of the Ingress does not exist. Install its controller, or correct
	// the class.
	IngressClassNotFound = "IngressClassNotFound"
	// HostTaken: an older IntegrationHub serves the same host and path. Change the host of one of
	// them.
	HostTaken = "HostTaken"
	// SettingsMissing: an enabled integration is not available. Add or correct its settings.
	SettingsMissing = "SettingsMissing"
	// IntegrationsRefused: the latest version of an HTTPIntegration is not available. The message names it; see
	// its conditions.
	IntegrationsRefused = "IntegrationsRefused"
	// SelectorInvalid: spec.customIntegrations.selector is not valid. Correct it.
	SelectorInvalid = "SelectorInvalid"
	// UpstreamFailing: a running hub cannot fetch the list of an upstream. The message contains the reason. Its
	// integrations stay listed, and requests for them fail.
	UpstreamFailing = "UpstreamFailing"
	// UpstreamIntegrationsRefused: integrations of an upstream are not available. The message contains the reasons:
	// set a prefix, or correct spec.upstreams.
	UpstreamIntegrationsRefused = "UpstreamIntegrationsRefused"
	// SpecPaused: spec.paused is true. Set it to false to resume.
	SpecPaused = "SpecPaused"
	// IssuerNotFound: the issuer does not exist. Create it, or correct the reference.
	IssuerNotFound = "IssuerNotFound"
	// CertManagerMissing: cert-manager is not installed. Install it; reconciliation resumes
	// automatically.
	CertManagerMissing = "CertManagerMissing"
	// CertificateNotReady: cert-manager has not issued or renewed the certificate. The message
	// contains its reason.
	CertificateNotReady = "CertificateNotReady"
	// NameTaken: another object has a name that the hub needs. Rename one of them,
	// or let the hub adopt the object.
	NameTaken = "NameTaken"
	// FieldsContended: another controller, such as a second operator, keeps reverting an object of the hub.
	// Let only one of them manage it: set spec.controllerClass, or restrict an operator to namespaces.
	FieldsContended = "FieldsContended"
	// ScaledToZero: spec.replicas is 0. Increase it.
	ScaledToZero = "ScaledToZero"
	// PodsFailing: pods of the current spec cannot start. The message contains the reason. The hub is
	// Stalled if the problem does not resolve itself, or after spec.progressDeadline.
	PodsFailing = "PodsFailing"
	// RolloutQueued: the maximum number of concurrent rollouts is reached. No action is needed.
	RolloutQueued = "RolloutQueued"
	// RolloutPaused: the rollout of another hub is failing. Fix that hub, or roll back the operator.
	RolloutPaused = "RolloutPaused"
	// ReconcileFailed: the API server returned an error. The message contains it and how to resolve it; the
	// operator retries automatically.
	ReconcileFailed = "ReconcileFailed"
)

// TokenChanged is the reason of an event: the service secret changed, Looker's token with it, and all
// pods accept the new token. Enter the new token in Looker before you remove the previous secret.
const TokenChanged = "TokenChanged"

// Resumed is the reason of an event: spec.paused is no longer true, and the operator reconciles the hub again.
const Resumed = "Resumed"

// PreviousTokenUnused is the reason of an event: all LookerRegistrations have the current token of the hub. The
// previous service secret can be removed, unless a previous token was entered in Looker by hand.
const PreviousTokenUnused = "PreviousTokenUnused"
