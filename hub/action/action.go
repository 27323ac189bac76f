// Package action is the contract between the hub and its integrations.
//
// An integration is a value made by its package's New. It must describe itself and deliver
// data ([Integration]); whatever else it can do, it says by implementing further interfaces,
// which [Resolve] looks up once, when the hub starts.
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
// Its methods are called by many goroutines at once.
type Integration interface {
	// Definition describes the integration to Looker. It never changes while the hub runs.
	Definition() Definition

	// Execute delivers the request's data. It returns once the destination has accepted
	// everything, or with an error (an [*Error] where the Looker user can be told something
	// useful) that says what was not delivered. A response returned together with an error
	// still reaches Looker: its state and its validation errors are kept.
	Execute(ctx context.Context, req *Request) (*Response, error)
}

// FormBuilder is an integration that asks the Looker user for something before a delivery.
type FormBuilder interface {
	// Form returns the fields to ask for, or an error whose message is shown in their place.
	Form(ctx context.Context, req *Request) (*Form, error)
}

// Authorizer is an integration that signs its users in at the destination by OAuth 2.0
// (RFC 6749) with the hub as the client. The hub keeps nothing: what Exchange returns is
// stored by Looker and comes back as [Request.State].
type Authorizer interface {
	// AuthorizeURL is where the user's browser is sent to sign in.
	AuthorizeURL(ctx context.Context, login Login) (string, error)
	// Exchange turns the provider's callback into the state that Looker shall keep.
	Exchange(ctx context.Context, login Login, callback url.Values) (*State, error)
}

// Login is one sign-in on its way through the user's browser.
type Login struct {
	// State goes to the provider as the parameter "state" and must come back unchanged.
	State string
	// RedirectURL is the hub's own address for the provider's callback.
	RedirectURL string
	// Verifier is this sign-in's PKCE code verifier (RFC 7636).
	Verifier string
	// Params are the settings in Looker that [Definition.LoginParams] names.
	Params map[string]string
}

// Delegator is an integration for which Looker itself holds the OAuth credentials and
// hands them over in [Request.State].
type Delegator interface {
	// CheckConnection answers Looker's question whether the credentials still work, as a
	// form whose fields are messages, or as an error.
	CheckConnection(ctx context.Context, req *Request) (*Form, error)
}

// Resolved is an integration with its abilities looked up: nil stands for "cannot".
type Resolved struct {
	Integration
	Definition Definition
	Form       FormBuilder
	OAuth      Authorizer
	Delegate   Delegator
}

// Resolve looks up what an integration can do. Nothing else in the hub asserts types.
func Resolve(i Integration) Resolved {
	r := Resolved{Integration: i, Definition: i.Definition()}
	r.Form, _ = i.(FormBuilder)
	r.OAuth, _ = i.(Authorizer)
	r.Delegate, _ = i.(Delegator)
	return r
}

// Deps is what an integration is made from.
type Deps struct {
	// Env is the hub's environment, from which [Settings] reads.
	Env map[string]string
	// HTTP is the one way out of the hub. It follows no redirects and has no total timeout:
	// the request's context bounds a call.
	HTTP *http.Client
	// Dial is the way out for protocols other than HTTP, guarded like HTTP. Roots are the
	// certificate authorities to trust there; nil means the system's.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Roots *x509.CertPool
	// Identity reaches the services of clouds that tell a pod who it is, and nothing else. It is
	// for integrations whose administrator lets the hub act as its pod.
	Identity *http.Client
	// StartJob follows work that the destination continues after the delivery has been answered.
	StartJob StartJob
	// Log receives detail that is of no use to the Looker user. Never a secret or a row.
	Log *slog.Logger
}

// Constructor makes an integration, without input or output. It returns a
// [*MissingSettingsError] when the hub's administrator has not configured it.
type Constructor func(Deps) (Integration, error)

// Registration is an integration that the program contains: its name on the wire and its
// constructor. It repeats the name of the definition, so that an integration that cannot be
// created because settings are missing still has a name.
type Registration struct {
	Name string
	New  Constructor
}
