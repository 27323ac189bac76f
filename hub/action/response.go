package action

// Response is the result of a successful delivery. Looker shows Message only in the delivery's
// details.
type Response struct {
	Message string
	// RefreshQuery makes Looker run the query again because the delivery changed its data.
	RefreshQuery bool
	// ValidationErrors maps form fields to messages.
	ValidationErrors map[string]string
	// State replaces the user's state in Looker; nil keeps it.
	State *State
}

// State is what Looker stores for one user and one integration, at most 32 KB. The hub encrypts
// Data if configured.
type State struct {
	Data string `json:"data,omitempty"`
	// RefreshTime is after how many seconds Looker requests the form again, at least 600.
	RefreshTime int `json:"refresh_time,omitempty"`
}

// Reset is the state data with which Looker deletes the user's state.
const Reset = "reset"
