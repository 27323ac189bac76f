package v1alpha1

// StatusPageAccess selects who can read a hub's status page.
//
// +kubebuilder:validation:Enum=Token;Public
type StatusPageAccess string

const (
	// StatusPageToken shows the status page to anyone who has the token for Looker.
	StatusPageToken StatusPageAccess = "Token"
	// StatusPagePublic shows the status page to anyone who can reach the hub.
	StatusPagePublic StatusPageAccess = "Public"
)
