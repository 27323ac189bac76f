package httpintegration

// FormField is a field that a Looker user fills in. Expressions use its value as form.NAME, which is
// text.
//
// +kubebuilder:validation:XValidation:rule="(has(self.type) && self.type == 'select') == (has(self.options) || has(self.optionsFrom))",message="a select needs options or optionsFrom, and other types have neither"
// +kubebuilder:validation:XValidation:rule="!(has(self.options) && has(self.optionsFrom))",message="set options or optionsFrom, not both"
type FormField struct {
	// Name of the field in Looker.
	Name Identifier `json:"name"`

	// Label is what the user sees; the name if empty.
	//
	// +optional
	Label Text `json:"label,omitempty"`

	// Description is what the user sees below the field.
	//
	// +optional
	Description Text `json:"description,omitempty"`

	// Type is text, textarea or select; text if empty.
	//
	// +kubebuilder:validation:Enum=text;textarea;select
	// +optional
	Type string `json:"type,omitempty"`

	// Required fields must not be empty.
	//
	// +optional
	Required bool `json:"required,omitempty"`

	// Interactive fields make Looker request the form again when they change.
	//
	// +optional
	Interactive bool `json:"interactive,omitempty"`

	// Default is the value that the user can change. It can use params and plan.
	//
	// +optional
	Default Template `json:"default,omitempty"`

	// When determines whether the field is shown. It can use params, form and plan.
	//
	// +optional
	When Expression `json:"when,omitempty"`

	// Options of a select.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=200
	// +listType=map
	// +listMapKey=name
	// +optional
	Options []Option `json:"options,omitempty"`

	// OptionsFrom fetches the options of a select.
	//
	// +optional
	OptionsFrom *OptionsFrom `json:"optionsFrom,omitempty"`

	// Validation are the rules for a value that is not empty.
	//
	// +kubebuilder:validation:MaxItems=10
	// +listType=atomic
	// +optional
	Validation []Rule `json:"validation,omitempty"`
}

// Option is an option of a select.
type Option struct {
	// Name is the value.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1000
	Name string `json:"name"`

	// Label is what the user sees; the name if empty.
	//
	// +optional
	Label Text `json:"label,omitempty"`
}

// Rule validates the value of a field.
type Rule struct {
	// Rule is true for a valid value. It can use value, params and form.
	Rule Expression `json:"rule"`

	// Message explains which values are valid.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=500
	Message string `json:"message"`
}

// OptionsFrom fetches options with a request, if necessary page by page. The response's body is the JSON
// that expressions use as body.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.more) && has(self.nextURL))",message="set more or nextURL, not both"
type OptionsFrom struct {
	// Request fetches a page. It can use page, which counts from 0, and previous, the body of the
	// previous page.
	Request OptionsRequest `json:"request"`

	// List is the list of options in a page.
	List Expression `json:"list"`

	// Name is the value of an option, which is an item of the list.
	Name Expression `json:"name"`

	// Label is what the user sees of an item; the name if empty.
	//
	// +optional
	Label Expression `json:"label,omitempty"`

	// More is true if there is another page.
	//
	// +optional
	More Expression `json:"more,omitempty"`

	// NextURL is the URL of the next page on the same host, or empty.
	//
	// +optional
	NextURL Expression `json:"nextURL,omitempty"`

	// MaxPages is the maximum number of pages; 10 if empty.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50
	// +optional
	MaxPages int `json:"maxPages,omitempty"`
}

// OptionsRequest is a request that fetches options.
type OptionsRequest struct {
	// Method is GET or POST; GET if empty.
	//
	// +kubebuilder:validation:Enum=GET;POST
	// +optional
	Method string `json:"method,omitempty"`

	Endpoint `json:",inline"`
}
