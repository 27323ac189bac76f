package httpintegration

import "encoding/json"

// Endpoint is where a request is sent.
type Endpoint struct {
	// URL begins with https:// or http:// and has no query.
	// In its path, ${…} is part of one segment and is escaped.
	// In its host, ${…} requires allowedHosts.
	//
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://.+`
	URL string `json:"url"`

	// AllowedHosts are the only hosts that the URL can have, as example.com or *.example.com.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +listType=set
	// +optional
	AllowedHosts []string `json:"allowedHosts,omitempty"`

	// Query are the parameters after the URL. Empty ones are omitted.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Query map[string]Template `json:"query,omitempty"`

	// Headers are added to the request. Empty ones are omitted.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Headers map[string]Template `json:"headers,omitempty"`
}

// Request is what the hub sends.
//
// +kubebuilder:validation:XValidation:rule="(has(self.per) && self.per == 'batch') == has(self.batch)",message="per batch needs batch, and batch needs per batch"
// +kubebuilder:validation:XValidation:rule="!has(self.per) || self.per == 'delivery' || !has(self.body) || !(has(self.body.file) || has(self.body.multipart))",message="per row and per batch need a JSON body, or none"
// +kubebuilder:validation:XValidation:rule="!has(self.per) || self.per != 'batch' || has(self.body)",message="per batch needs a body"
// +kubebuilder:validation:XValidation:rule="!has(self.maxRows) || !has(self.per) || self.per == 'delivery'",message="maxRows is for per delivery"
type Request struct {
	// Per is how often the request is sent: once per delivery, per row, or per batch of rows; delivery if empty.
	//
	// +kubebuilder:validation:Enum=delivery;row;batch
	// +optional
	Per string `json:"per,omitempty"`

	// Batch describes the batches.
	//
	// +optional
	Batch *Batch `json:"batch,omitempty"`

	// MaxRows is how many rows expressions have in a request per delivery; 100 if empty.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MaxRows int `json:"maxRows,omitempty"`

	// Method of the request; POST if empty.
	//
	// +kubebuilder:validation:Enum=GET;POST;PUT;PATCH;DELETE
	// +optional
	Method string `json:"method,omitempty"`

	Endpoint `json:",inline"`

	// IdempotencyKey is a header by which the destination recognizes a repeated request.
	// The request is then repeated after any temporary failure.
	//
	// +optional
	IdempotencyKey *IdempotencyKey `json:"idempotencyKey,omitempty"`

	// Body of the request; none if empty.
	//
	// +optional
	Body *Body `json:"body,omitempty"`
}

// Batch describes batches of rows.
type Batch struct {
	// MaxRows is the maximum number of rows in a request.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	MaxRows int `json:"maxRows"`

	// MaxBytes is the maximum size of a request's items in bytes; 1 MB if empty.
	//
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=33554432
	// +optional
	MaxBytes int `json:"maxBytes,omitempty"`

	// Item is what a row becomes: JSON whose strings are templates. The body has the items as ${items}.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Item json.RawMessage `json:"item"`
}

// Body is the body of a request: one of json, file and multipart. The hub checks json, which rules of
// Kubernetes cannot see because it has no type.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.file) && has(self.multipart))",message="set one of json, file and multipart"
type Body struct {
	// JSON is any JSON whose strings are templates.
	// A string that consists of one ${…} becomes the value itself, such as a number or a list.
	// A member or an item that is optional.none() is omitted.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	JSON json.RawMessage `json:"json,omitempty"`

	// File sends Looker's file unchanged.
	//
	// +optional
	File *FileBody `json:"file,omitempty"`

	// Multipart sends Looker's file in a form of type multipart/form-data.
	//
	// +optional
	Multipart *MultipartBody `json:"multipart,omitempty"`
}

// FileBody sends Looker's file unchanged.
type FileBody struct {
	// ContentType of the request; that of the file if empty.
	//
	// +kubebuilder:validation:MaxLength=255
	// +optional
	ContentType string `json:"contentType,omitempty"`
}

// MultipartBody sends Looker's file in a form.
type MultipartBody struct {
	// FileField is the name of the form field with the file.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	FileField string `json:"fileField"`

	// Filename of the file; the schedule's title and an extension if empty.
	//
	// +optional
	Filename Template `json:"filename,omitempty"`

	// Fields are the other form fields. Empty ones are omitted.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Fields map[string]Template `json:"fields,omitempty"`
}

// IdempotencyKey is a header by which the destination recognizes a repeated request.
type IdempotencyKey struct {
	// Header is the name of the header.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Header string `json:"header"`

	// Value of the header; ${request.id} if empty, which is the same in a repeated request.
	//
	// +optional
	Value Template `json:"value,omitempty"`
}

// Authentication of requests.
//
// +kubebuilder:validation:XValidation:rule="(has(self.bearer) ? 1 : 0) + (has(self.basic) ? 1 : 0) + (has(self.header) ? 1 : 0) + (has(self.oauth2ClientCredentials) ? 1 : 0) + (has(self.googleServiceAccount) ? 1 : 0) <= 1",message="set at most one of bearer, basic, header, oauth2ClientCredentials and googleServiceAccount"
type Authentication struct {
	// Bearer sends a token (RFC 6750).
	//
	// +optional
	Bearer *BearerAuthentication `json:"bearer,omitempty"`

	// Basic sends a user name and a password (RFC 7617).
	//
	// +optional
	Basic *BasicAuthentication `json:"basic,omitempty"`

	// Header sends a header of your choice.
	//
	// +optional
	Header *HeaderAuthentication `json:"header,omitempty"`

	// OAuth2ClientCredentials fetches tokens with the client credentials grant (RFC 6749, section 4.4).
	//
	// +optional
	OAuth2ClientCredentials *OAuth2ClientCredentials `json:"oauth2ClientCredentials,omitempty"`

	// GoogleServiceAccount fetches tokens for a service account of Google Cloud (RFC 7523).
	//
	// +optional
	GoogleServiceAccount *GoogleServiceAccount `json:"googleServiceAccount,omitempty"`

	// StandardWebhooks signs requests (https://www.standardwebhooks.com).
	// A signed request is repeated after any temporary failure, because receivers ignore a repeated ID.
	//
	// +optional
	StandardWebhooks *StandardWebhooks `json:"standardWebhooks,omitempty"`

	// MTLS presents a client certificate.
	//
	// +optional
	MTLS *MTLS `json:"mtls,omitempty"`
}

// BearerAuthentication sends a token.
type BearerAuthentication struct {
	// Token is the token.
	Token Template `json:"token"`
}

// BasicAuthentication sends a user name and a password.
type BasicAuthentication struct {
	// Username is the user name.
	Username Template `json:"username"`

	// Password is the password.
	//
	// +optional
	Password Template `json:"password,omitempty"`
}

// HeaderAuthentication sends a header.
type HeaderAuthentication struct {
	// Name of the header.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Name string `json:"name"`

	// Value of the header.
	Value Template `json:"value"`
}

// OAuth2ClientCredentials fetches tokens with the client credentials grant.
type OAuth2ClientCredentials struct {
	// TokenURL is the URL of the token endpoint. Its host cannot contain ${…}.
	//
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://.+`
	TokenURL string `json:"tokenURL"`

	// ClientID is the client's ID.
	ClientID Template `json:"clientID"`

	// ClientSecret is the client's secret.
	ClientSecret Template `json:"clientSecret"`

	// Scopes of the token.
	//
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=255
	// +listType=atomic
	// +optional
	Scopes []string `json:"scopes,omitempty"`

	// Params are further parameters of the token request, such as audience.
	//
	// +kubebuilder:validation:MaxProperties=8
	// +optional
	Params map[string]Template `json:"params,omitempty"`

	// CredentialsIn is where the ID and the secret are sent: basic, in a header, or body; basic if empty.
	//
	// +kubebuilder:validation:Enum=basic;body
	// +optional
	CredentialsIn string `json:"credentialsIn,omitempty"`
}

// GoogleServiceAccount fetches tokens for a service account.
type GoogleServiceAccount struct {
	// Key is the service account's key file in JSON.
	Key Template `json:"key"`

	// Scopes of the token.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=255
	// +listType=atomic
	Scopes []string `json:"scopes"`
}

// StandardWebhooks signs requests.
type StandardWebhooks struct {
	// Secret is whsec_ and 24 to 64 bytes in base64, or two of them, separated by a blank, during a rotation.
	Secret Template `json:"secret"`
}

// MTLS presents a client certificate.
type MTLS struct {
	// Certificate is the certificate and its chain (PEM).
	Certificate Template `json:"certificate"`

	// Key is the private key (PEM).
	Key Template `json:"key"`
}
