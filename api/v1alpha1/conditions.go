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
	// CredentialsReady: the service secret is there and Looker's token is minted from it.
	CredentialsReady = "CredentialsReady"
	// CertificateReady: cert-manager issued the certificate that the spec asks for.
	CertificateReady = "CertificateReady"
	// IntegrationsReady: everything that the enabled integrations refer to is there.
	IntegrationsReady = "IntegrationsReady"
	// DeploymentAvailable: all pods of the current spec run and are ready.
	DeploymentAvailable = "DeploymentAvailable"
)

// Condition reasons.
const (
	// Succeeded: nothing is left to do.
	Succeeded = "Succeeded"
	// Progressing: on its way; nothing to do for the admin.
	Progressing = "Progressing"
	// Pending: an earlier step is not done, so this one has not begun.
	Pending = "Pending"
	// SecretNotFound: create the Secret that the message names, or correct the reference.
	SecretNotFound = "SecretNotFound"
	// SecretInvalid: the Secret lacks the key that the message names, or it is empty.
	SecretInvalid = "SecretInvalid"
	// ConfigMapNotFound: create the ConfigMap or the key that the message names.
	ConfigMapNotFound = "ConfigMapNotFound"
	// SettingsConflict: give the setting that the message names one value, or make two hubs.
	SettingsConflict = "SettingsConflict"
	// IssuerNotFound: create the issuer that the message names, or correct the reference.
	IssuerNotFound = "IssuerNotFound"
	// CertManagerMissing: install cert-manager; the operator goes on by itself then.
	CertManagerMissing = "CertManagerMissing"
	// CertificateNotReady: cert-manager has not issued the certificate; the message is its own.
	CertificateNotReady = "CertificateNotReady"
	// NameTaken: an object that this hub does not own has the name that the hub needs.
	NameTaken = "NameTaken"
	// ScaledToZero: spec.replicas is 0; raise it for Looker to reach the hub.
	ScaledToZero = "ScaledToZero"
	// PodsFailing: pods of the current spec cannot start; the message says why.
	PodsFailing = "PodsFailing"
	// ReconcileFailed: the API server refused something; the operator tries again.
	ReconcileFailed = "ReconcileFailed"
)

// TokenChanged is the reason of an event: the service secret changed and Looker's token with
// it. Enter the new one in Looker before the old secret goes.
const TokenChanged = "TokenChanged"
