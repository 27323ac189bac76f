package httpintegration

import "encoding/json"

// Sample is a delivery with invented values. Where it is set, an integration is valid only if all of its
// requests can be made for the sample. Nothing is sent.
type Sample struct {
	// Params are settings by name. A sensitive setting that is left out has a placeholder: do not enter a
	// real secret here.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Params map[string]SampleText `json:"params,omitempty"`

	// Form has values by the name of the field. A field that is omitted has its default.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Form map[string]SampleText `json:"form,omitempty"`

	// Cell is the value of the cell that was clicked.
	//
	// +optional
	Cell SampleText `json:"cell,omitempty"`

	// Columns are the result of the query.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +listType=map
	// +listMapKey=name
	// +optional
	Columns []SampleColumn `json:"columns,omitempty"`

	// Answers are answers of the destination to the first request of the sample, one of each kind. The expressions of
	// response have to be possible for them.
	//
	// +kubebuilder:validation:MaxItems=10
	// +listType=atomic
	// +optional
	Answers []SampleAnswer `json:"answers,omitempty"`
}

// SampleText is a value of a setting, a form field or a cell.
//
// +kubebuilder:validation:MaxLength=4096
type SampleText string

// SampleColumn is a column of a sample, with its value in each row.
type SampleColumn struct {
	// Name of the field in LookML, such as users.email.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Name string `json:"name"`

	// Label is what the user sees; the name if empty.
	//
	// +kubebuilder:validation:MaxLength=255
	// +optional
	Label string `json:"label,omitempty"`

	// Type of the field in LookML, such as string or number.
	//
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Type string `json:"type,omitempty"`

	// Tags are the LookML tags of the field.
	//
	// +kubebuilder:validation:MaxItems=32
	// +listType=set
	// +optional
	Tags []Tag `json:"tags,omitempty"`

	// Values is a list with the JSON value of each row, as Looker sends it: at most 10 rows, the same number
	// in each column. The hub checks the list, which Kubernetes cannot because its items have no type.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Values json.RawMessage `json:"values"`
}

// SampleAnswer is an answer of the destination.
type SampleAnswer struct {
	// Status is the status code.
	//
	// +kubebuilder:validation:Minimum=200
	// +kubebuilder:validation:Maximum=599
	Status int `json:"status"`

	// Headers of the answer.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Headers map[string]SampleText `json:"headers,omitempty"`

	// Body is the JSON of the answer.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	Body json.RawMessage `json:"body,omitempty"`

	// Text is the answer where it is not JSON.
	//
	// +optional
	Text SampleText `json:"text,omitempty"`

	// Accepted is what the answer has to mean: true if the destination accepted the request with all of its items.
	// It is not checked if empty.
	//
	// +optional
	Accepted *bool `json:"accepted,omitempty"`
}
