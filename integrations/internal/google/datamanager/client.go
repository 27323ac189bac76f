// Package datamanager calls Google's Data Manager API, which receives members of audiences and events
// for Google Ads and Google Analytics:
// https://developers.google.com/data-manager/api/reference/rest
//
// Google accepts or rejects a request as a whole: see [SendValid]. It processes accepted requests
// later: see [Client.Follow].
//
// cloud.google.com/go/datamanager is not used: for a few requests it would link gRPC, and it has
// retries of its own.
package datamanager

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/google"
)

const (
	base = "https://datamanager.googleapis.com/v1/"
	// Name is the API's name in messages.
	Name = "Google Data Manager"
	// Scope is the OAuth scope that all methods need.
	Scope = "https://www.googleapis.com/auth/datamanager"
)

// Limits of one request: https://developers.google.com/data-manager/api/devguides/limits
const (
	MaxAudienceMembers = 10_000
	MaxEvents          = 2_000
	// MaxIdentifiers is the limit of user identifiers, and of mobile IDs, of one member or event.
	MaxIdentifiers = 10
)

// Client calls the API with the tokens of one user.
type Client struct {
	google *google.Client
	// statusLimiter keeps the status requests of one client below Google's 300 per minute and project.
	statusLimiter *rate.Limiter
}

// errMissingScope is the error for users who signed in before the hub asked for [Scope], or who did not
// grant it. A new access token would not help, so it is not Unauthenticated.
var errMissingScope = action.Errorf(action.Forbidden, "The sign-in at Google does not include the permission for the "+
	"Data Manager API. Open the form in Looker and log in again.")

// IsMissingScope reports whether the user must log in again, so that the sign-in includes [Scope]. It is
// valid for other APIs.
func IsMissingScope(err error) bool { return errors.Is(err, errMissingScope) }

// New returns a client that shares a user's sign-in.
func New(c *google.Client) *Client {
	service := *c.Service
	service.Name = Name
	shared := *c
	shared.Service, shared.Header, shared.MissingScope = &service, nil, errMissingScope
	return &Client{google: &shared, statusLimiter: rate.NewLimiter(4, 1)}
}

// as returns a client whose requests have a header.
func (c *Client) as(header http.Header) *google.Client {
	shared := *c.google
	shared.Header = header
	return &shared
}

// Accepted is the response to a request that Google accepted for processing.
type Accepted struct {
	// RequestID is for [Client.Follow].
	RequestID string `json:"requestId"`
	// Warnings are about single fields, without an effect on the request.
	Warnings []Warning `json:"fieldWarnings"`
}

// Validate reports a response that is not Google's.
func (a *Accepted) Validate() error {
	if a.RequestID == "" {
		return errors.New("the response has no request ID")
	}
	return nil
}

// Warning is a warning about a field. Google's description of it can quote the field, so it is left out.
type Warning struct {
	Reason string `json:"reason"`
	Field  string `json:"field"`
}

// Post makes one call of the ingestion service, without retries. method is such as "events:ingest".
func (c *Client) Post(ctx context.Context, method string, in any) (Accepted, error) {
	var out Accepted
	err := explain(c.google.Once(ctx, http.MethodPost, base+method, nil, in, &out))
	return out, err
}
