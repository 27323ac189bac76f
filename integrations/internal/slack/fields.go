package slack

import (
	"cmp"
	"context"
	"slices"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/datafile"
)

// The ways to name a destination: the values of the field channelType.
const (
	manual   = "manual"
	channels = "channels"
	users    = "users"
)

// pageSize is the maximum page size of Slack's lists: an integer under 1000
// (https://docs.slack.dev/reference/methods/conversations.list).
const pageSize = 999

// Fields is [Client.FieldsFor] before anything but the channel type is chosen.
func (c *Client) Fields(ctx context.Context, channelType string) ([]action.Field, error) {
	return c.FieldsFor(ctx, map[string]string{"channelType": channelType})
}

// FieldsFor returns the fields for destinations, a comment, a file name and a thread, and for the workspace if the token
// belongs to an organization. It calls Slack only if channelType is "channels" or "users".
func (c *Client) FieldsFor(ctx context.Context, form map[string]string) ([]action.Field, error) {
	channel, teams, err := c.channelField(ctx, form)
	if err != nil {
		return nil, err
	}
	fields := append([]action.Field{
		{
			Name: "channelType", Label: "Channel Type", Description: "Type of destination to fetch",
			Type: action.Select, Default: manual, Interactive: true,
			Options: []action.Option{
				{Name: manual, Label: "Manual Channel ID"},
				{Name: channels, Label: "Channels"},
				{Name: users, Label: "Users"},
			},
		},
		channel,
		{Name: "initial_comment", Label: "Comment", Type: action.String},
		{Name: "filename", Label: "Filename", Type: action.String},
		{
			Name: "more_channels", Label: "Also Share In", Type: action.String,
			Description: "More channel and user IDs, separated by commas.",
		},
		{
			Name: "thread_ts", Label: "Thread", Type: action.String,
			Description: "To reply to a message, its link (Copy link) or its timestamp.",
		},
	}, datafile.Fields()...)
	if len(teams.options) > 0 {
		fields = append(fields, teams.field())
	}
	return fields, nil
}

// channelField returns the field for the destination. The workspaces are those of an organization, if its token was used.
func (c *Client) channelField(ctx context.Context, form map[string]string) (action.Field, workspaces, error) {
	var list func(ctx context.Context, team string) ([]action.Option, error)
	switch form["channelType"] {
	case channels:
		list = c.channels
	case users:
		list = c.users
	default:
		byHand := action.Field{Name: "channel", Label: "Channel or User ID", Description: "Slack channel or user id", Type: action.String}
		return byHand, workspaces{}, nil
	}
	var teams workspaces
	options, err := c.sorted(ctx, form["channelType"], "", list)
	if needsTeam(err) {
		if teams, err = c.teams(ctx, form, err); err == nil {
			options, err = c.sorted(ctx, form["channelType"], teams.chosen, list)
		}
	}
	if err != nil {
		if action.KindOf(err).Retryable() {
			err = action.Wrap(err, action.KindOf(err), "%s %s", action.MessageOf(err), byHand)
		}
		return action.Field{}, workspaces{}, err
	}
	return action.Field{
		Name: "channel", Label: "Share In", Description: "Name of the Slack channel you would like to post to.",
		Type: action.Select, Required: true, Options: options,
	}, teams, nil
}

// sorted returns a list by label, which may be a cached one.
func (c *Client) sorted(
	ctx context.Context, question, team string, list func(ctx context.Context, team string) ([]action.Option, error),
) ([]action.Option, error) {
	return c.lists.get(ctx, keyOf(c.token, question+" "+team), func(ctx context.Context) ([]action.Option, error) {
		options, err := list(ctx, team)
		slices.SortStableFunc(options, func(a, b action.Option) int { return cmp.Compare(a.Label, b.Label) })
		return options, err
	})
}

// byHand explains what to do if there is no list.
const byHand = "Choose the channel type Manual Channel ID to enter an ID instead."

// bothTypes are the types of channels that have names.
var bothTypes = []string{"public_channel", "private_channel"}

// channels lists the channels that are not archived
// (https://docs.slack.dev/reference/methods/conversations.list).
func (c *Client) channels(ctx context.Context, team string) ([]action.Option, error) {
	return pages(ctx, func(ctx context.Context, cursor string) (page, error) {
		list, next, err := c.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{
			Types: bothTypes, ExcludeArchived: true, Limit: pageSize, Cursor: cursor, TeamID: team,
		})
		p := page{next: next}
		for _, ch := range list {
			if !ch.IsArchived {
				p.options = append(p.options, action.Option{Name: ch.ID, Label: "#" + ch.Name})
			}
		}
		return p, err
	})
}

// users lists the active users
// (https://docs.slack.dev/reference/methods/users.list).
func (c *Client) users(ctx context.Context, team string) ([]action.Option, error) {
	return pages(ctx, func(ctx context.Context, cursor string) (page, error) {
		list, next, err := c.userPage(ctx, team, cursor)
		p := page{next: next}
		for _, u := range list {
			if !u.IsRestricted && !u.IsUltraRestricted && !u.IsBot && !u.Deleted {
				p.options = append(p.options, action.Option{Name: u.ID, Label: "@" + u.Name})
			}
		}
		return p, err
	})
}

// userPage returns a page of users, and the cursor of the next one.
func (c *Client) userPage(ctx context.Context, team, cursor string) ([]slack.User, string, error) {
	list, err := c.api.GetUsersPaginated(
		slack.GetUsersOptionLimit(pageSize), slack.GetUsersOptionIncludeLocale(false), slack.GetUsersOptionCursor(cursor),
		slack.GetUsersOptionTeamID(team),
	).Next(ctx)
	return list.Users, list.Cursor, err
}

// maxPages limits a list. A longer one would not be usable.
const maxPages = 100

// page is a part of a list and the cursor of the next part, or "".
type page struct {
	options []action.Option
	next    string
}

// pages returns all pages of a list. A list that is too long is an error, because a part of it would look like
// the complete list.
func pages(ctx context.Context, fetch func(ctx context.Context, cursor string) (page, error)) ([]action.Option, error) {
	var options []action.Option
	err := walk(ctx, func(ctx context.Context, cursor string) (string, error) {
		p, err := fetch(ctx, cursor)
		if err == nil {
			options = append(options, p.options...)
		}
		return p.next, err
	})
	if err != nil {
		return nil, err
	}
	return options, nil
}

// walk calls fetch for each page of a list until it returns no next cursor. fetch is called again after temporary errors.
func walk(ctx context.Context, fetch func(ctx context.Context, cursor string) (next string, err error)) error {
	cursor := ""
	for range maxPages {
		next, err := retryIdempotent(ctx, func(ctx context.Context) (string, error) { return fetch(ctx, cursor) })
		switch {
		case err != nil:
			return err
		case next == "":
			return nil
		case next == cursor:
			return errUnexpected
		}
		cursor = next
	}
	return action.Errorf(action.TooLarge, "The workspace has too many names for a list. %s", byHand)
}
