package v1alpha1

// Condition types. All but Reconciling, Stalled, MonitoringReady and Paused always exist; these
// four exist only while they apply.
const (
	// Ready: all other conditions that Looker depends on are true.
	Ready = "Ready"
	// Reconciling: the operator is applying the spec, or waits for another controller.
	Reconciling = "Reconciling"
	// Stalled: the operator cannot apply the spec until an admin changes something.
	Stalled = "Stalled"
	// Accepted: the operator's policy allows the spec.
	Accepted = "Accepted"
	// CredentialsReady: the service secret and the token for Looker exist.
	CredentialsReady = "CredentialsReady"
	// CertificateReady: the certificate exists and is valid.
	CertificateReady = "CertificateReady"
	// IntegrationsReady: the settings of the integrations exist, and a running hub offers all
	// integrations that the spec names.
	IntegrationsReady = "IntegrationsReady"
	// DeploymentAvailable: all pods of the current spec are available.
	DeploymentAvailable = "DeploymentAvailable"
	// Exposed: the Service, and the Ingress or HTTPRoute, exist and are accepted.
	Exposed = "Exposed"
	// MonitoringReady: the objects of spec.monitoring exist. Ready does not depend on it.
	MonitoringReady = "MonitoringReady"
	// Paused: spec.paused is true, so the operator changes nothing.
	Paused = "Paused"
)

// Condition reasons.
const (
	// Succeeded: no action is needed.
	Succeeded = "Succeeded"
	// Progressing: pods are being started. No action is needed.
	Progressing = "Progressing"
	// Pending: an earlier step is not complete. See the other conditions.
	Pending = "Pending"
	// NotAllowed: the operator's policy refuses the spec. Change the fields in the message, or ask
	// the operator's administrator to allow them.
	NotAllowed = "NotAllowed"
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
	// PodTemplateInvalid: spec.podTemplate is not valid. Correct what the message names.
	PodTemplateInvalid = "PodTemplateInvalid"
	// KindMissing: the cluster lacks a CRD that the spec needs. Install it, or remove the field from
	// the spec. Reconciliation resumes automatically.
	KindMissing = "KindMissing"
	// AddressPending: the load balancer or the Gateway is not ready. If that lasts, check that its
	// controller is installed and runs.
	AddressPending = "AddressPending"
	// RouteNotAccepted: a Gateway rejected the HTTPRoute or the BackendTLSPolicy. The message
	// contains its reason.
	RouteNotAccepted = "RouteNotAccepted"
	// SettingsMissing: the hub does not offer an enabled integration. Add the missing settings.
	SettingsMissing = "SettingsMissing"
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
	// NameTaken: an object that the hub does not own has a name that the hub needs. Rename or delete
	// one of the two.
	NameTaken = "NameTaken"
	// FieldsContended: something else keeps changing an object of the hub back, such as a second operator.
	// Let only one of them manage it: set spec.controllerClass, or restrict an operator to namespaces.
	FieldsContended = "FieldsContended"
	// ScaledToZero: spec.replicas is 0. Increase it.
	ScaledToZero = "ScaledToZero"
	// PodsFailing: pods of the current spec cannot start. The message contains the reason.
	PodsFailing = "PodsFailing"
	// ReconcileFailed: the API server returned an error. The message contains it and what to do; the
	// operator retries automatically.
	ReconcileFailed = "ReconcileFailed"
)

// TokenChanged is the reason of an event: the service secret changed, and Looker's token with it.
// Enter the new token in Looker before you remove the previous secret.
const TokenChanged = "TokenChanged"

// Resumed is the reason of an event: spec.paused is no longer true, and the operator reconciles the hub again.
const Resumed = "Resumed"
