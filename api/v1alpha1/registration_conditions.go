package v1alpha1

// Condition types of a LookerRegistration, in addition to Ready, Reconciling and Stalled, which have the
// same meaning as those of a hub. They are Unknown until they have been checked.
const (
	// Registered: the hub is registered in Looker, with its URL and a token that its pods accept.
	Registered = "Registered"
	// HubReachable: Looker can connect to the hub. If it cannot, the message contains Looker's error.
	HubReachable = "HubReachable"
	// IntegrationsSynced: the listed integrations have the listed settings in Looker, and pass Looker's
	// tests.
	IntegrationsSynced = "IntegrationsSynced"
)

// Condition reasons of a LookerRegistration. Succeeded, Pending, TokenPending, SecretNotFound,
// SecretInvalid, ConfigMapNotFound, FieldsContended and ReconcileFailed are also used.
const (
	// HubNotFound: the IntegrationHub does not exist. Create it; the registration continues automatically.
	HubNotFound = "HubNotFound"
	// HubNotReady: the IntegrationHub is not reachable at its URL yet. See its conditions.
	HubNotReady = "HubNotReady"
	// RegistrationConflict: an older LookerRegistration registers the same URL in the same Looker instance. Delete
	// one of them.
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
	// CredentialsRejected: Looker rejected the API key. Correct the Secret of
	// spec.looker.credentialsSecretRef.
	CredentialsRejected = "CredentialsRejected"
	// PermissionDenied: the user of the API key lacks a permission. Give the user the Admin role in Looker.
	PermissionDenied = "PermissionDenied"
	// LegalAgreementRequired: Looker requires a legal agreement for the hub. Accept it in Looker, or set
	// spec.acceptLegalAgreement.
	LegalAgreementRequired = "LegalAgreementRequired"
	// LookerUnreachable: Looker is not responding. The operator retries automatically.
	LookerUnreachable = "LookerUnreachable"
	// LookerURLInvalid: spec.looker.url is not the URL of Looker's API, or the operator is not allowed
	// to connect to it. Correct the URL.
	LookerURLInvalid = "LookerURLInvalid"
	// RateLimited: Looker is rate limiting requests. The operator retries automatically.
	RateLimited = "RateLimited"
	// LookerRefused: Looker rejected a change. The message contains the reason.
	LookerRefused = "LookerRefused"
	// HubUnreachable: Looker cannot connect to the hub. The message contains the reason.
	HubUnreachable = "HubUnreachable"
	// IntegrationsDiffer: the settings of an integration cannot be applied. Correct the part of the spec that the message names.
	IntegrationsDiffer = "IntegrationsDiffer"
	// TestFailed: Looker's test of an integration failed. The message contains its reason.
	TestFailed = "TestFailed"
	// DeletionBlocked: the hub cannot be deleted in Looker, which blocks the registration's deletion. If the Looker
	// instance no longer exists, set the annotation hub.integrationhub.dev/abandon-registration=true.
	DeletionBlocked = "DeletionBlocked"
)

// Reasons of events of a LookerRegistration.
const (
	// HubRegistered: the hub was created or adopted in Looker.
	HubRegistered = "HubRegistered"
	// HubUnregistered: the hub was deleted in Looker.
	HubUnregistered = "HubUnregistered"
	// HubRecreated: the hub was deleted in Looker, and the operator recreated it.
	HubRecreated = "HubRecreated"
	// TokenUpdated: Looker has the current token of the hub.
	TokenUpdated = "TokenUpdated"
	// DriftCorrected: settings were changed in Looker, and the operator restored them.
	DriftCorrected = "DriftCorrected"
	// RegistrationAbandoned: the registration was deleted, and its hub may still exist in Looker.
	RegistrationAbandoned = "RegistrationAbandoned"
)
