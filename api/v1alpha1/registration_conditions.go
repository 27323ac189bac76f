package v1alpha1

// Condition types of a LookerRegistration, in addition to Ready, Reconciling and Stalled, which have the
// same meaning as those of a hub. They are Unknown until their part was checked.
const (
	// Registered: the hub is registered in Looker, with its URL and a token that its pods accept.
	Registered = "Registered"
	// HubReachable: Looker can connect to the hub. The message contains Looker's words if it cannot.
	HubReachable = "HubReachable"
	// IntegrationsSynced: the listed integrations have the listed settings in Looker, and passed Looker's
	// tests.
	IntegrationsSynced = "IntegrationsSynced"
)

// Condition reasons of a LookerRegistration. Succeeded, Pending, TokenPending, SecretNotFound,
// SecretInvalid, ConfigMapNotFound, FieldsContended and ReconcileFailed are also used.
const (
	// HubNotFound: the IntegrationHub does not exist. Create it; the registration continues automatically.
	HubNotFound = "HubNotFound"
	// HubNotReady: the IntegrationHub does not serve at its URL yet. See its conditions.
	HubNotReady = "HubNotReady"
	// RegistrationConflict: an older LookerRegistration registers the same URL in the same Looker. Delete
	// one of the two.
	RegistrationConflict = "RegistrationConflict"
	// HubExists: a hub with this URL exists in Looker, and this registration did not create it. Delete it
	// there, or set spec.adopt.
	HubExists = "HubExists"
	// DuplicateHubs: several hubs in Looker have this URL. Delete all but one there.
	DuplicateHubs = "DuplicateHubs"
	// HubMissing: the hub was deleted in Looker, and spec.missingHubPolicy is Stall. Set it to Recreate.
	HubMissing = "HubMissing"
	// HubURLChanged: the URL of the hub was changed in Looker. Change it back, or delete the hub there.
	HubURLChanged = "HubURLChanged"
	// CredentialsRejected: Looker rejects the API key. Correct the Secret of
	// spec.looker.credentialsSecretRef.
	CredentialsRejected = "CredentialsRejected"
	// PermissionDenied: the user of the API key lacks a permission. Give the user the role Admin in Looker.
	PermissionDenied = "PermissionDenied"
	// LegalAgreementRequired: Looker requires a legal agreement for the hub. Accept it in Looker, or set
	// spec.acceptLegalAgreement.
	LegalAgreementRequired = "LegalAgreementRequired"
	// LookerUnreachable: Looker does not answer. The operator retries automatically.
	LookerUnreachable = "LookerUnreachable"
	// LookerURLInvalid: something other than Looker's API answers at spec.looker.url, or the operator may
	// not connect to it. Correct the URL.
	LookerURLInvalid = "LookerURLInvalid"
	// RateLimited: Looker limits the rate of requests. The operator waits as long as Looker asks for.
	RateLimited = "RateLimited"
	// LookerRefused: Looker refuses a change. The message contains its reason.
	LookerRefused = "LookerRefused"
	// HubUnreachable: Looker cannot connect to the hub. The message contains its reason.
	HubUnreachable = "HubUnreachable"
	// IntegrationsDiffer: the settings of an integration cannot be applied. Correct what the message names.
	IntegrationsDiffer = "IntegrationsDiffer"
	// TestFailed: Looker's test of an integration failed. The message contains its reason.
	TestFailed = "TestFailed"
	// DeletionBlocked: the hub cannot be deleted in Looker, which keeps the registration. If that Looker is
	// gone for good, set the annotation hub.integrationhub.dev/abandon-registration=true.
	DeletionBlocked = "DeletionBlocked"
)

// Reasons of events of a LookerRegistration.
const (
	// HubRegistered: the hub was created or adopted in Looker.
	HubRegistered = "HubRegistered"
	// HubUnregistered: the hub was deleted in Looker.
	HubUnregistered = "HubUnregistered"
	// HubRecreated: the hub was deleted in Looker by someone else, and the operator created it again.
	HubRecreated = "HubRecreated"
	// TokenUpdated: Looker has the current token of the hub.
	TokenUpdated = "TokenUpdated"
	// DriftCorrected: settings were changed in Looker, and the operator changed them back.
	DriftCorrected = "DriftCorrected"
	// RegistrationAbandoned: the registration was deleted, and its hub may still exist in Looker.
	RegistrationAbandoned = "RegistrationAbandoned"
)
