// Package httpintegration has the fields of an HTTPIntegration: a no-code integration. The hub
// reads them from files, and the API package embeds them in the custom resource.
//
// It has the name of the kind, and is not part of v1alpha1, because the hub imports it: nothing here
// imports Kubernetes.
//
// Two kinds of strings have meaning. An [Expression] is CEL (https://cel.dev). A [Template] is text in
// which ${…} stands for the value of such an expression.
//
// +kubebuilder:object:generate=true
// +groupName=hub.integrationhub.dev
package httpintegration

import "strings"

// APIVersion and Kind are those of the custom resource.
const (
	APIVersion = "hub.integrationhub.dev/v1alpha1"
	Kind       = "HTTPIntegration"
)

// NamePrefix is the prefix of the names of integrations that the reference does not have.
const NamePrefix = "custom_"

// LookerName returns the name in Looker of the integration that a resource describes.
func LookerName(resource string, spec *Spec) string {
	if spec.Name != "" {
		return spec.Name
	}
	return NamePrefix + strings.NewReplacer("-", "_", ".", "_").Replace(resource)
}

// Expression is a CEL expression.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=4096
type Expression string

// Template is text in which ${…} is replaced by the value of a CEL expression. $${ is a literal ${.
//
// +kubebuilder:validation:MaxLength=16384
type Template string

// Identifier is a name that expressions can use after a dot.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-zA-Z][a-zA-Z0-9_]*$`
type Identifier string

// Text is a label or a description.
//
// +kubebuilder:validation:MaxLength=1000
type Text string

// Tag is a LookML tag.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=255
type Tag string

// Spec is the desired state of an HTTPIntegration.
//
// +kubebuilder:validation:XValidation:rule="!has(self.types) || !self.types.exists(t, t == 'dashboard') || !has(self.request.per) || self.request.per == 'delivery'",message="a dashboard has no rows: use per delivery"
// +kubebuilder:validation:XValidation:rule="!has(self.types) || !self.types.exists(t, t == 'cell') || (!has(self.request.per) || self.request.per == 'delivery') && !(has(self.request.body) && (has(self.request.body.file) || has(self.request.body.multipart)))",message="a cell has no file and no rows: use per delivery and a JSON body, or none"
// +kubebuilder:validation:XValidation:rule="!has(self.response) || !has(self.response.items) || has(self.request.per) && self.request.per == 'batch'",message="response.items requires per batch"
type Spec struct {
	// ControllerClass is the class of the operator that manages the integration; use that of its hubs.
	// A hub that reads files ignores it.
	//
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$`
	// +optional
	ControllerClass string `json:"controllerClass,omitempty"`

	// Name of the integration in Looker, which schedules contain.
	// It begins with custom_, unless it is the name of an integration of the reference.
	// The default is custom_ and the resource's name with underscores.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	// +optional
	Name string `json:"name,omitempty"`

	// Label is what Looker's users see.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	Label string `json:"label"`

	// Description is what Looker's administrators see.
	//
	// +optional
	Description Text `json:"description,omitempty"`

	// Icon in Looker.
	//
	// +optional
	Icon *Icon `json:"icon,omitempty"`

	// Types are the action types that the integration supports; query if empty.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	// +listType=set
	// +optional
	Types []ActionType `json:"types,omitempty"`

	// Formats are the data formats that Looker's users can choose; all if empty.
	// An integration that uses rows or columns has the format json_detail or another one with rows.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=14
	// +listType=set
	// +optional
	Formats []Format `json:"formats,omitempty"`

	// RequiredTags are LookML tags that fields of the query must have.
	//
	// +kubebuilder:validation:MaxItems=32
	// +listType=set
	// +optional
	RequiredTags []Tag `json:"requiredTags,omitempty"`

	// Params are the settings that a Looker administrator enters.
	//
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	Params []Param `json:"params,omitempty"`

	// Form has the fields that a Looker user fills in.
	//
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	Form []FormField `json:"form,omitempty"`

	// Secrets are configured at the hub and not entered in Looker.
	//
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Secrets []Secret `json:"secrets,omitempty"`

	// Authentication of all requests, also of those that fetch options.
	//
	// +optional
	Authentication *Authentication `json:"authentication,omitempty"`

	// Request is what the hub sends.
	Request Request `json:"request"`

	// Response defines how responses are interpreted.
	//
	// +optional
	Response *Response `json:"response,omitempty"`

	// Retry defines which requests are repeated.
	//
	// +optional
	Retry *Retry `json:"retry,omitempty"`

	// Limits protect the destination.
	//
	// +optional
	Limits *Limits `json:"limits,omitempty"`

	// Sample is a sample delivery with which the integration is checked. Nothing is sent.
	//
	// +optional
	Sample *Sample `json:"sample,omitempty"`
}

// ActionType is a type of data that Looker sends.
//
// +kubebuilder:validation:Enum=cell;query;dashboard
type ActionType string

// Format is a data format of Looker's API.
//
// +kubebuilder:validation:Enum=txt;csv;csv_zip;inline_json;json;json_bi;json_label;json_detail;json_detail_lite_stream;xlsx;html;wysiwyg_pdf;assembled_pdf;wysiwyg_png
type Format string

// Icon is an image in SVG or PNG format.
//
// +kubebuilder:validation:XValidation:rule="has(self.svg) != has(self.png)",message="set svg or png"
type Icon struct {
	// SVG is a document without scripts, styles and references.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=65536
	// +optional
	SVG string `json:"svg,omitempty"`

	// PNG is a base64-encoded image of at most 512 by 512 pixels.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=65536
	// +optional
	PNG string `json:"png,omitempty"`
}

// Param is a setting that a Looker administrator enters. Expressions use it as params.NAME.
type Param struct {
	// Name of the setting in Looker.
	Name Identifier `json:"name"`

	// Label is what the administrator sees; the name if empty.
	//
	// +optional
	Label Text `json:"label,omitempty"`

	// Description is what the administrator sees below the field.
	//
	// +optional
	Description Text `json:"description,omitempty"`

	// Required settings must not be empty.
	//
	// +optional
	Required bool `json:"required,omitempty"`

	// Sensitive settings are hidden in Looker, and removed from messages and logs.
	//
	// +optional
	Sensitive bool `json:"sensitive,omitempty"`

	// UserAttribute is the name of a Looker user attribute that has a value for each user.
	//
	// +kubebuilder:validation:MaxLength=255
	// +optional
	UserAttribute string `json:"userAttribute,omitempty"`
}

// Secret is a secret of the hub. Only authentication, headers and the query of a URL can use it, as
// secrets.NAME.
type Secret struct {
	// Name in expressions.
	Name Identifier `json:"name"`

	// SecretKeyRef references a key of a Secret in the same namespace.
	SecretKeyRef SecretKeyRef `json:"secretKeyRef"`
}

// SecretKeyRef references a key of a Secret. Outside of Kubernetes, it is a file in a folder of this name.
type SecretKeyRef struct {
	// Name of the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Name string `json:"name"`

	// Key in the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-][-._A-Za-z0-9]*$`
	Key string `json:"key"`
}

// Limits protect the destination.
type Limits struct {
	// TimeoutSeconds limits a request; 60 if empty.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=900
	// +optional
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"`

	// Concurrency is the maximum number of requests of a delivery that run at the same time; 1 if empty.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	// +optional
	Concurrency int `json:"concurrency,omitempty"`

	// RateLimit is the maximum number of requests per pod of a hub in a period.
	//
	// +optional
	RateLimit *RateLimit `json:"rateLimit,omitempty"`
}

// RateLimit is a number of requests in a period.
type RateLimit struct {
	// Requests is the number of requests.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	Requests int `json:"requests"`

	// Seconds is the length of the period.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	Seconds int `json:"seconds"`
}
