// Package action is the contract between the hub and its integrations.
//
// An integration is a value that its package's New returns. It must implement [Integration]. The
// other interfaces are optional capabilities, which [Resolve] finds once, when the hub starts.
package action

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/url"
)

// Integration is a destination that Looker can send query results, dashboards or cells to.
// Its methods are called concurrently.
type Integration interface {
	// Definition describes the integration to Looker. It never changes while the hub runs.
	Definition() Definition

	// Execute delivers the request's data. It returns when the destination has accepted everything,
	// or an error that says what was not delivered, if possible an [*Error] with a message for the
	// Looker user. With an error, the state and the validation errors of a response are still sent
	// to Looker.
	Execute(ctx context.Context, req *Request) (*Response, error)
}

// FormBuilder is an integration with a form that the Looker user fills in before a delivery.
type FormBuilder interface {
	// Form returns the fields of the form, or an error whose message is shown instead.
	Form(ctx context.Context, req *Request) (*Form, error)
}

// Authorizer is an integration whose users sign in at the destination with OAuth 2.0 (RFC 6749),
// with the hub as the client. The hub stores nothing: Looker stores what Exchange returns and sends
// it as [Request.State].
type Authorizer interface {
	// AuthorizeURL returns the URL at which the user signs in.
	AuthorizeURL(ctx context.Context, login Login) (string, error)
	// Exchange exchanges the provider's callback for the state that Looker stores.
	Exchange(ctx context.Context, login Login, callback url.Values) (*State, error)
}

// Login is one sign-in.
type Login struct {
	// State is the parameter "state" for the provider, which returns it unchanged.
	State string
	// RedirectURL is the hub's URL for the provider's callback.
	RedirectURL string
	// Verifier is this sign-in's PKCE code verifier (RFC 7636).
	Verifier string
	// Params are the values of [Definition.LoginParams].
	Params map[string]string
}

// Delegator is an integration whose OAuth credentials Looker stores and sends in
// [Request.State].
type Delegator interface {
	// CheckConnection checks the credentials. It returns a form whose fields are messages, or an
	// error.
	CheckConnection(ctx context.Context, req *Request) (*Form, error)
}

// Resolved is an integration with its optional capabilities; nil means that it lacks one.
type Resolved struct {
	Integration
	Definition Definition
	Form       FormBuilder
	OAuth      Authorizer
	Delegate   Delegator
}

// Resolve finds the capabilities of an integration. No other code in the hub asserts their types.
func Resolve(i Integration) Resolved {
	r := Resolved{Integration: i, Definition: i.Definition()}
	r.Form, _ = i.(FormBuilder)
	r.OAuth, _ = i.(Authorizer)
	r.Delegate, _ = i.(Delegator)
	return r
}

// Deps are the dependencies of an integration.
type Deps struct {
	// Env is the hub's environment, from which [Settings] reads.
	Env map[string]string
	// Declare, unless nil, is called by [Settings] with the names of the variables that it reads.
	Declare func(names []string)
	// HTTP is the client for all outbound HTTP requests. It does not follow redirects and has no
	// timeout of its own: the request's context limits a call.
	HTTP *http.Client
	// Dial connects for protocols other than HTTP, with the same egress policy. Roots are the
	// certificate authorities to trust there; nil means the system's.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Roots *x509.CertPool
	// Identity is a client for the clouds' identity and metadata services only. It is for
	// integrations that are configured to use the pod's cloud identity.
	Identity *http.Client
	// StartJob follows work that the destination continues after the delivery has been answered.
	StartJob StartJob
	// Log is for details that do not help the Looker user. Never log a secret or a row.
	Log *slog.Logger
}

// Constructor creates an integration. It does no I/O, and returns a [*MissingSettingsError] if the
// integration is not configured.
type Constructor func(Deps) (Integration, error)

// Registration is an integration that the program contains: its name on the wire and its
// constructor. It repeats the name of the definition, so that an integration that cannot be
// created because settings are missing still has a name.
type Registration struct {
	Name string
	New  Constructor
	// APIs are the versions of the vendors' APIs that it calls.
	APIs []API
	// Category is the kind of its destination, under which people find it.
	Category string
	// README is its documentation as HTML, without the title.
	README string
}
