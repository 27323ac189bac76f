package action

// Form is the form that the Looker user fills in before a delivery.
type Form struct {
	Fields []Field `json:"fields"`
	// State replaces the user's state in Looker; nil keeps it.
	State *State `json:"state,omitempty"`
}

// Field is one field of a form.
type Field struct {
	Name        string    `json:"name"`
	Label       string    `json:"label,omitempty"`
	Description string    `json:"description,omitempty"`
	Type        FieldType `json:"type,omitempty"`
	Default     string    `json:"default,omitempty"`
	Required    bool      `json:"required,omitempty"`
	// Interactive makes Looker request the form again when the field changes.
	Interactive bool     `json:"interactive,omitempty"`
	Options     []Option `json:"options,omitempty"`
	// OAuthURL is the URL of a field of type OAuthLink.
	OAuthURL string `json:"oauth_url,omitempty"`
	// Value is the text of a field of type Message.
	Value string `json:"value,omitempty"`
}

// FieldType is a field's type in Looker.
type FieldType string

// Looker's field types.
const (
	String          FieldType = "string"
	Textarea        FieldType = "textarea"
	Select          FieldType = "select"
	Message         FieldType = "message"
	OAuthLink       FieldType = "oauth_link"
	OAuthLinkGoogle FieldType = "oauth_link_google"
)

// Option is one option of a field of type Select.
type Option struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}
