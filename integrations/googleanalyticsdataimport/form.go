package googleanalyticsdataimport

import (
	"cmp"
	"context"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/google"
)

// Form implements [action.FormBuilder]. Only an invalid grant asks for a new sign-in. Any other
// error is returned as it is.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	c := i.Open(req.State)
	if !c.SignedIn() {
		return loginForm(req, ""), nil
	}
	streams, err := allStreams(ctx, c)
	if err != nil && action.KindOf(err) == action.Unauthenticated {
		return loginForm(req, action.MessageOf(err)+" "), nil
	}
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: fields(req.Form, streams), State: c.State()}, nil
}

func loginForm(req *action.Request, why string) *action.Form {
	return &action.Form{
		Fields: []action.Field{{
			Name: "login", Type: action.OAuthLinkGoogle, Label: "Log in", OAuthURL: req.LoginURL,
			Description: why + "In order to send to this destination, you will need to log in once to your Google account.",
		}},
		State: &action.State{Data: action.Reset},
	}
}

// formConcurrency is the maximum number of concurrent calls of a form.
const formConcurrency = 8

// allStreams lists the streams that the user can send to, without properties that the user may only
// view.
func allStreams(ctx context.Context, c *google.Client) ([]action.Option, error) {
	all, err := properties(ctx, c)
	if err != nil {
		return nil, err
	}
	found := make([][]action.Option, len(all))
	g, ctx := panics.WithContext(ctx)
	g.SetLimit(formConcurrency)
	for n, p := range all {
		g.Run(func() error {
			var err error
			if found[n], err = webStreams(ctx, c, p); err != nil && action.KindOf(err) == action.Forbidden {
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	options := slices.Concat(found...)
	slices.SortStableFunc(options, func(a, b action.Option) int { return cmp.Compare(a.Label, b.Label) })
	return options, err
}

func fields(answers map[string]string, streams []action.Option) []action.Field {
	where := action.Field{
		Name: "dataSourceCompositeId", Label: "Data Stream", Type: action.Select, Required: true, Options: streams,
		Default: answers["dataSourceCompositeId"],
		Description: "The Google Analytics 4 data stream that gets the rows as events. " +
			"Universal Analytics Data Sets are no longer available: Google shut it down in July 2024.",
	}
	if len(streams) == 0 {
		where.Description = "The user cannot edit any Google Analytics 4 web data stream. " + where.Description
	}
	return []action.Field{
		where,
		{
			Name: "dataSourceSchema", Label: "Names of the Columns", Type: action.String, Required: true, Default: answers["dataSourceSchema"],
			Description: "One name for each column of the query, in order, separated by commas. client_id is required. user_id, event_name, " +
				"timestamp and user_properties.<name> are reserved. Every other name is an event parameter. A column without a name is not sent. " +
				"For example: client_id,event_name,value,currency",
		},
		{
			Name: "eventName", Label: "Event Name", Type: action.String, Default: answers["eventName"],
			Description: "The name of the events, unless a column is called event_name.",
		},
	}
}
