package v1alpha1

// Condition types of an HTTPIntegration, in addition to Ready, Reconciling and Stalled, which have the same
// meaning as those of a hub.
const (
	// Valid: the spec is valid, and its Secrets exist and allow the integration. Hubs do not load other versions,
	// and keep the last valid one.
	Valid = "Valid"
	// Offered: all hubs that select the integration run its current version.
	Offered = "Offered"
)

// Condition reasons of an HTTPIntegration. Succeeded, Pending, Progressing, SecretNotFound and
// ReconcileFailed are also used.
const (
	// NotValid: the spec has problems that the API server cannot find, such as an expression that is not valid
	// or fails for spec.sample. Correct the fields in the message; hub lint finds the same problems in a file.
	NotValid = "NotValid"
	// SecretNotAllowed: a Secret does not allow the integration. Set the annotation
	// hub.integrationhub.dev/allow-integrations on the Secret.
	SecretNotAllowed = "SecretNotAllowed"
	// NotSelected: no IntegrationHub of the namespace selects the integration. Set
	// spec.customIntegrations.selector of one.
	NotSelected = "NotSelected"
	// NotOffered: a hub does not run the current version. The message contains the hub and the reason.
	NotOffered = "NotOffered"
)
