package signin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// clientErrors are the codes of errors that are about the hub's client: those of RFC 6749, section 5.2, of Salesforce
// (https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flow_errors.htm) and of Google
// (https://developers.google.com/identity/protocols/oauth2/web-server#authorization-errors-deleted-client).
var clientErrors = map[string]bool{
	"invalid_client": true, "unauthorized_client": true, "invalid_client_id": true, "invalid_client_credentials": true, "deleted_client": true,
}

// temporary are the codes of errors that say nothing about the tokens, whatever the status is. Microsoft: "The server is
// temporarily too busy to handle the request. Retry the request after a small delay."
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#error-codes-for-token-endpoint-errors).
// rate_limit_exceeded is Salesforce's for too many logins.
var temporary = map[string]action.Kind{
	"temporarily_unavailable": action.Unavailable, "server_error": action.Unavailable, "rate_limit_exceeded": action.RateLimited,
}

// explain converts the library's error, which is dropped because it quotes the response.
func (p *Provider) explain(ctx context.Context, err error) error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return outbound.ConnectionError(ctx, err, p.Name)
	}
	status := outbound.StatusOf(e.Response)
	kind := action.KindOfStatus(status.Code)
	if known, ok := temporary[e.ErrorCode]; ok {
		kind = known
	}
	switch {
	case clientErrors[e.ErrorCode]:
		return action.Errorf(action.Internal, "%s does not accept the hub's client id and secret. The hub's administrator must "+
			"check them.", p.Name)
	case e.ErrorCode == "invalid_grant":
		return p.Required()
	case kind.Retryable(), e.ErrorCode == "" && !isRefusal(status.Code):
		return action.Wrap(status, kind, "%s's sign-in returned %d.", p.Name, status.Code)
	}
	return p.Required()
}

// isRefusal reports whether a status is one with which a service refuses tokens: 400, "unless specified otherwise"
// (RFC 6749, section 5.2), or 401. Others without an error code are a proxy's or a firewall's.
func isRefusal(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized
}

// explainEnded is explain for a refresh token. Only a service that answered invalid_grant has ended the sign-in.
func (p *Provider) explainEnded(ctx context.Context, err error) error {
	explained := p.explain(ctx, err)
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok || e.ErrorCode != "invalid_grant":
		return explained
	case p.Busy != "" && strings.EqualFold(strings.TrimSpace(e.ErrorDescription), p.Busy):
		// It is not sent again: the other request may replace it, and it may be taken for stolen then.
		return deliver.Stop(action.Errorf(action.Unavailable, "%s is renewing the same sign-in for another request. Try again in a minute.",
			p.Name))
	case p.Expired != "":
		return action.Errorf(action.Unauthenticated, "%s %s", action.MessageOf(explained), p.Expired)
	}
	return explained
}
