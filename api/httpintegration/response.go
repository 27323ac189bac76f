package httpintegration

// Response defines how responses are interpreted. Its expressions use status, the status code; body, the JSON of the
// response, or null; text, the unchanged response; headers, by lowercase names; and count, the number of rows
// in the request.
type Response struct {
	// SuccessStatuses are the status codes of success; 200 to 299 if empty.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Minimum=200
	// +kubebuilder:validation:items:Maximum=599
	// +listType=set
	// +optional
	SuccessStatuses []int `json:"successStatuses,omitempty"`

	// Success is true if the destination accepted the request. It decides in addition to the status.
	//
	// +optional
	Success Expression `json:"success,omitempty"`

	// Error is the destination's reason for a failure. Looker shows it.
	//
	// +optional
	Error Expression `json:"error,omitempty"`

	// Message is what Looker shows in the details of a delivery with one request that succeeded.
	//
	// +optional
	Message Expression `json:"message,omitempty"`

	// Items defines which items of a batch were accepted.
	//
	// +optional
	Items *Items `json:"items,omitempty"`

	// MaxBytes is the maximum size of a response; 1 MiB if empty.
	//
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=33554432
	// +optional
	MaxBytes int `json:"maxBytes,omitempty"`
}

// Items defines which items of a batch were accepted, by expressions that are evaluated for each item. They
// use index, the item's position in the request from 0, in addition to what other expressions of the
// response use.
type Items struct {
	// Success is true for an item that was accepted.
	Success Expression `json:"success"`

	// Error is the destination's reason for the failure of an item.
	//
	// +optional
	Error Expression `json:"error,omitempty"`

	// Retry is true for an item that may be accepted later.
	//
	// +optional
	Retry Expression `json:"retry,omitempty"`
}

// Retry defines which requests are repeated. Without it, a request is repeated if it certainly had no effect:
// the connection failed before it was sent, or the destination returned 429.
type Retry struct {
	// Idempotent requests have the same effect if they are repeated.
	// They are repeated after any temporary failure. GET, PUT and DELETE always are idempotent.
	//
	// +optional
	Idempotent bool `json:"idempotent,omitempty"`

	// Statuses are further status codes after which a request is repeated, because it had no effect.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Minimum=400
	// +kubebuilder:validation:items:Maximum=599
	// +listType=set
	// +optional
	Statuses []int `json:"statuses,omitempty"`

	// MaxAttempts is the maximum number of times that a request is sent; 4 if empty.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	// +optional
	MaxAttempts int `json:"maxAttempts,omitempty"`
}
