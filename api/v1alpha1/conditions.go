package v1alpha1

// Condition types. All but Reconciling and Stalled are always there; those two exist only
// while they are true (the kstatus convention).
const (
	// Ready sums up the others: Looker can use the hub.
	Ready = "Ready"
	// Reconciling says that the operator is on its way to what the spec asks for.
	Reconciling = "Reconciling"
	// Stalled says that it will not get there before somebody changes something.
	Stalled = "Stalled"
	// Accepted: the manager's policy allows everything that the spec asks for.
	Accepted = "Accepted"
	// CredentialsReady: the service secret is there and Looker's token is minted from it.
	CredentialsReady = "CredentialsReady"
	// CertificateReady: cert-manager issued the certificate that the spec asks for.
	CertificateReady = "CertificateReady"
	// IntegrationsReady: everything that the enabled integrations refer to is there.
	IntegrationsReady = "IntegrationsReady"
	// DeploymentAvailable: all pods of the current spec run and are ready.
	DeploymentAvailable = "DeploymentAvailable"
	// Exposed: the Service and what is in front of it are there, as far as the cluster tells.
	Exposed = "Exposed"
	// MonitoringReady exists while spec.monitoring does. Ready does not depend on it.
	MonitoringReady = "MonitoringReady"
	// Paused exists while spec.paused does: nothing is changed, whatever the spec says.
	Paused = "Paused"
)

// Condition reasons.
const (
	// Succeeded: nothing is left to do.
	Succeeded = "Succeeded"
	// Progressing: on its way; nothing to do for the admin.
	Progressing = "Progressing"
	// Pending: an earlier step is not done, so this one has not begun.
	Pending = "Pending"
	// NotAllowed: change the fields that the message names, or ask the operator's administrator
	// to allow them in the manager's policy.
	NotAllowed = "NotAllowed"
	// SecretNotFound: create the Secret that the message names, or correct the reference.
	SecretNotFound = "SecretNotFound"
	// SecretInvalid: correct what is under the key that the message names.
	SecretInvalid = "SecretInvalid"
	// ConfigMapNotFound: create the ConfigMap or the key that the message names.
	ConfigMapNotFound = "ConfigMapNotFound"
	// SettingsConflict: set what the message names in one place only, or create two hubs.
	SettingsConflict = "SettingsConflict"
	// SettingReserved: an integration's Secret sets what has a field of its own in the spec; set
	// the field that the message names, or remove the key.
	SettingReserved = "SettingReserved"
	// PodTemplateInvalid: correct spec.podTemplate; the message says what does not fit.
	PodTemplateInvalid = "PodTemplateInvalid"
	// KindMissing: install what the message names, such as the Gateway API or the Prometheus
	// operator, or leave it out of the spec; the operator goes on by itself then.
	KindMissing = "KindMissing"
	// AddressPending: the load balancer or the Gateway has not answered yet. If that lasts, see
	// whether what makes load balancers, or the Gateway with its controller, is there and runs.
	AddressPending = "AddressPending"
	// RouteNotAccepted: a Gateway does not take the route, or the policy for TLS to the pods;
	// the message says why in its own words.
	RouteNotAccepted = "RouteNotAccepted"
	// SettingsMissing: an enabled integration is not on offer; set what the message names.
	SettingsMissing = "SettingsMissing"
	// SpecPaused: set spec.paused to false for the operator to go on.
	SpecPaused = "SpecPaused"
	// IssuerNotFound: create the issuer that the message names, or correct the reference.
	IssuerNotFound = "IssuerNotFound"
	// CertManagerMissing: install cert-manager; the operator goes on by itself then.
	CertManagerMissing = "CertManagerMissing"
	// CertificateNotReady: cert-manager has not issued the certificate, or not renewed it; the
	// message says what is in the way.
	CertificateNotReady = "CertificateNotReady"
	// NameTaken: an object that this hub does not own has the name that the hub needs: rename
	// or delete one of the two.
	NameTaken = "NameTaken"
	// ScaledToZero: spec.replicas is 0; raise it for Looker to reach the hub.
	ScaledToZero = "ScaledToZero"
	// PodsFailing: pods of the current spec cannot start; the message says why.
	PodsFailing = "PodsFailing"
	// ReconcileFailed: a step failed, mostly because the API server refused something. The
	// message says what, and what to do; the operator tries again.
	ReconcileFailed = "ReconcileFailed"
)

// TokenChanged is the reason of an event: the service secret changed and Looker's token with
// it. Enter the new one in Looker before the old secret goes.
const TokenChanged = "TokenChanged"
