package v1alpha1

// StatusPageAccess selects who can read a hub's status page.
//
// +kubebuilder:validation:Enum=Token;Public
type StatusPageAccess string

const (
	// StatusPageToken shows it to those who have the token for Looker.
	StatusPageToken StatusPageAccess = "Token"
	// StatusPagePublic shows it to everyone who can reach the hub.
	StatusPagePublic StatusPageAccess = "Public"
)
