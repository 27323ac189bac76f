package action

// Form is what the Looker user is asked before a delivery.
type Form struct {
	Fields []Field `json:"fields"`
	// State replaces what Looker keeps for the user; nil leaves it alone.
	State *State `json:"state,omitempty"`
}

// Field is one question of a form.
type Field struct {
	Name        string    `json:"name"`
	Label       string    `json:"label,omitempty"`
	Description string    `json:"description,omitempty"`
	Type        FieldType `json:"type,omitempty"`
	Default     string    `json:"default,omitempty"`
	Required    bool      `json:"required,omitempty"`
	// Interactive fields make Looker ask for the form again when they change.
	Interactive bool     `json:"interactive,omitempty"`
	Options     []Option `json:"options,omitempty"`
	// OAuthURL is where a field of type OAuthLink leads.
	OAuthURL string `json:"oauth_url,omitempty"`
	// Value is the text of a field of type Message.
	Value string `json:"value,omitempty"`
}

// FieldType is how Looker shows a field.
type FieldType string

// The field types that Looker knows.
const (
	String          FieldType = "string"
	Textarea        FieldType = "textarea"
	Select          FieldType = "select"
	Message         FieldType = "message"
	OAuthLink       FieldType = "oauth_link"
	OAuthLinkGoogle FieldType = "oauth_link_google"
)

// Option is one choice of a field of type Select.
type Option struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}
