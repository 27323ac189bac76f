package datamanager

import (
	"context"

	"integrationhub.dev/hub/action"
)

// CheckSignIn reports a sign-in that is not valid, or does not include [Scope]: see [IsMissingScope]. It asks for a
// request that does not exist, because no other call works without an account.
func (c *Client) CheckSignIn(ctx context.Context) error {
	_, err := c.Status(ctx, "none")
	switch kind := action.KindOf(err); {
	case err == nil, IsMissingScope(err):
		return err
	case kind == action.Invalid, kind == action.NotFound, kind == action.Forbidden:
		return nil
	}
	return err
}
