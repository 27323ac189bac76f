package env

// Upstream is another Action Hub whose integrations a hub offers too. A JSON array of them is the value of
// [Upstreams], which the operator writes and the hub reads.
type Upstream struct {
	// Name identifies it in URLs, metrics, logs and messages.
	Name string `json:"name"`
	// URL is the base URL at which the hub reaches it, without a trailing slash.
	URL string `json:"url"`
	// TokenFile contains the token that the upstream accepts; it is read for each request.
	TokenFile string `json:"tokenFile"`
	// CAFile contains additional certificate authorities (PEM).
	CAFile string `json:"caFile,omitempty"`
	// Integrations are the names of the integrations to offer; all if empty.
	Integrations []string `json:"integrations,omitempty"`
	// Prefix is put before the names of its integrations.
	Prefix string `json:"prefix,omitempty"`
}
