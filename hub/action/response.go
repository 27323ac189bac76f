package action

// Response is what a delivery tells Looker beside its success, which is the absence of an
// error. Looker shows Message only to those who look for it.
type Response struct {
	Message string
	// RefreshQuery asks Looker to run the query again, because the delivery changed its data.
	RefreshQuery bool
	// ValidationErrors maps form fields to what is wrong with them.
	ValidationErrors map[string]string
	// State replaces what Looker keeps for the user; nil leaves it alone.
	State *State
}

// State is what Looker keeps for one user and one integration: at most 32 KB. The hub
// encrypts Data on its way out where it is configured to.
type State struct {
	Data string `json:"data,omitempty"`
	// RefreshTime makes Looker ask for the form again after so many seconds, at least 600.
	RefreshTime int `json:"refresh_time,omitempty"`
}

// Reset is the state data that makes Looker forget the user's state.
const Reset = "reset"
