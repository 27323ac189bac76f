package google

import (
	"context"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
)

// Allowed checks a user's email address against the Looker administrator's list of domains. An empty list allows all
// users. A domain does not include its subdomains.
func (c *Client) Allowed(ctx context.Context, domains []string) error {
	if len(domains) == 0 {
		return nil
	}
	// https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
	var user struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := c.Read(ctx, "https://openidconnect.googleapis.com/v1/userinfo", nil, &user); err != nil {
		return err
	}
	at := strings.LastIndexByte(user.Email, '@')
	if at < 1 || !user.Verified {
		// A sign-in that is older than the list does not include the scope for the address.
		return action.Errorf(action.Unauthenticated, "The domain of the Google account cannot be checked. Open the form in Looker "+
			"and log in again.")
	}
	if !slices.ContainsFunc(domains, func(d string) bool {
		return strings.EqualFold(strings.TrimPrefix(d, "@"), user.Email[at+1:])
	}) {
		return action.Errorf(action.Unauthenticated, "The Google account belongs to a domain that is not on the allowlist. Open the "+
			"form in Looker and log in with another account.")
	}
	return nil
}
