package v1alpha1

// ServiceSecretPolicy selects what happens to a generated service secret when its hub is deleted.
//
// +kubebuilder:validation:Enum=Retain;Delete
type ServiceSecretPolicy string

const (
	// RetainServiceSecret keeps the Secret. It is the default.
	RetainServiceSecret ServiceSecretPolicy = "Retain"
	// DeleteServiceSecret deletes the Secret with the hub.
	DeleteServiceSecret ServiceSecretPolicy = "Delete"
)

// NewServiceSecretAnnotation requests a new service secret after the generated one was lost. Its value
// is any text that was not used before, such as the date. The new token must then be entered in Looker.
const NewServiceSecretAnnotation = "hub.integrationhub.dev/new-service-secret"

// UserStateFormat selects the format of the encrypted state that Looker stores for users.
//
// +kubebuilder:validation:Enum=Sealed;Reference
type UserStateFormat string

// Formats of user state.
const (
	// SealedUserState is authenticated encryption, which only this hub reads.
	SealedUserState UserStateFormat = "Sealed"
	// ReferenceUserState is a format that the existing Looker Action Hub can also read.
	ReferenceUserState UserStateFormat = "Reference"
)
