// Package facebookcustomaudiences uploads the people in a query's result to a Custom Audience of
// Meta (Facebook) Ads.
package facebookcustomaudiences

import (
	"context"
	"fmt"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
	"integrationhub.dev/integrations/internal/signin"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// settings are the hub's: the app that is registered at developers.facebook.com, and the version of
// the Graph API. Meta retires versions after about a year.
type settings struct {
	ClientID     string        `env:"FACEBOOK_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"FACEBOOK_CLIENT_SECRET,required,notEmpty"`
	APIVersion   apiVersion    `env:"FACEBOOK_API_VERSION" envDefault:"v27.0"`
}

// Integration uploads people to Meta Ads.
type Integration struct {
	settings settings
	deps     action.Deps
	pace     pace
	rowLog   *rowlog.Log
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	rowLog, err := rowlog.New(deps, "facebook_custom_audiences")
	if err != nil {
		return nil, err
	}
	return &Integration{s, deps, standardPace, rowLog}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "facebook_custom_audiences", Label: "Facebook Custom Audiences",
		Description: "Upload data to Facebook Ads Custom Audiences from Customer List",
		Params:      []action.Param{systemTokenParam},
		Formats:     []action.Format{action.JSONDetailLiteStream},
		Download:    action.URL,
		MinVersion:  action.V(5, 5, 0),
	})
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	c, err := i.open(req)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return signin.Forget(errSignIn), errSignIn
	}
	message, err := c.deliver(ctx, req)
	switch {
	case err == nil:
		return &action.Response{Message: message}, nil
	case c.system:
		return nil, err // the user's own sign-in, if there is one, may be valid
	}
	return signin.Forget(err), err
}

func (c *client) deliver(ctx context.Context, req *action.Request) (string, error) {
	in, err := action.Decode[input](req)
	switch {
	case err != nil:
		return "", err
	case req.Data.Empty():
		return "", action.Errorf(action.Invalid, "The request came without data.")
	case in.Operation == replace:
		return c.replace(ctx, in, req.Data)
	}
	return c.change(ctx, in, req.Data)
}

// change adds people to an existing audience or to a new one, which is created with the first batch, or
// removes them from an existing one.
func (c *client) change(ctx context.Context, in input, data action.Data) (string, error) {
	table, err := data.Table(ctx)
	if err != nil {
		return "", err
	}
	people, err := newPeople(table, in)
	if err != nil {
		return "", err
	}
	u := &upload{client: c, audience: in.Audience, remove: in.Operation == remove}
	if in.Operation == create {
		u.audience = "" // the form may still hold an earlier answer
		u.create = func(ctx context.Context) (graphID, error) { return c.createAudience(ctx, in) }
	}
	sent, err := u.send(ctx, people)
	if u.created && sent == 0 {
		c.removeAudience(ctx, u.audience)
	}
	verb := "sent to"
	if u.remove {
		verb = "removed from"
	}
	return summary(sent, verb, people), err
}

// maxReplaceBytes is the maximum size of a result that replaces an audience.
const maxReplaceBytes = 4 << 30

// replace replaces the people in an audience. This cannot be undone, so all data is downloaded and
// checked first.
func (c *client) replace(ctx context.Context, in input, data action.Data) (string, error) {
	blob, err := data.Spool(ctx, maxReplaceBytes)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	open := func() (*people, error) {
		table, err := blob.Table()
		if err != nil {
			return nil, err
		}
		return newPeople(table, in)
	}
	checked, err := open()
	if err != nil {
		return "", err
	}
	good, why, err := checked.count()
	switch {
	case err != nil:
		return "", err
	case why != nil && good == 0:
		return "", action.Wrap(why, action.KindOf(why), "%s The audience was not changed.", action.MessageOf(why))
	case good == 0:
		return "", action.Errorf(action.Invalid, "The result has no rows. The audience was not changed.")
	}
	people, err := open()
	if err != nil {
		return "", err
	}
	u := &upload{client: c, audience: in.Audience, session: newSession(good)}
	sent, err := u.send(ctx, people)
	if hint := u.session.hint(u.failed); err != nil && hint != "" {
		err = action.Wrap(err, action.KindOf(err), "%s %s", action.MessageOf(err), hint)
	}
	return summary(sent, "sent to", people), err
}

// summary reports how many rows were sent, by which keys, and which values were left out.
func summary(sent int, verb string, p *people) string {
	if sent == 0 {
		return "The result has no rows. Nothing was sent to Facebook."
	}
	text := fmt.Sprintf("%d rows %s the audience, by %s.", sent, verb, strings.Join(p.schema, ", "))
	if left := p.leftOut(); left != "" {
		text += " Unusable values were left out: " + left + "."
	}
	return text
}
