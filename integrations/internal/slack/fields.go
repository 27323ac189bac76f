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

// pageSize is the maximum page size of Slack's lists
// (https://docs.slack.dev/reference/methods/conversations.list).
const pageSize = 1000

// Fields returns the fields for destinations, a comment, a file name and a thread. It calls Slack only if
// channelType is "channels" or "users".
func (c *Client) Fields(ctx context.Context, channelType string) ([]action.Field, error) {
	channel, err := c.channelField(ctx, channelType)
	if err != nil {
		return nil, err
	}
	return append([]action.Field{
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
	}, datafile.Fields()...), nil
}

func (c *Client) channelField(ctx context.Context, channelType string) (action.Field, error) {
	var list func(context.Context) ([]action.Option, error)
	switch channelType {
	case channels:
		list = c.channels
	case users:
		list = c.users
	default:
		return action.Field{Name: "channel", Label: "Channel or User ID", Description: "Slack channel or user id", Type: action.String}, nil
	}
	options, err := c.lists.get(ctx, keyOf(c.token, channelType), func(ctx context.Context) ([]action.Option, error) {
		options, err := list(ctx)
		slices.SortStableFunc(options, func(a, b action.Option) int { return cmp.Compare(a.Label, b.Label) })
		return options, err
	})
	if err != nil {
		if action.KindOf(err).Retryable() {
			err = action.Wrap(err, action.KindOf(err), "%s %s", action.MessageOf(err), byHand)
		}
		return action.Field{}, err
	}
	return action.Field{
		Name: "channel", Label: "Share In", Description: "Name of the Slack channel you would like to post to.",
		Type: action.Select, Required: true, Options: options,
	}, nil
}

// byHand explains what to do if there is no list.
const byHand = "Choose the channel type Manual Channel ID to enter an ID instead."

// channels lists the channels that are not archived
// (https://docs.slack.dev/reference/methods/conversations.list).
func (c *Client) channels(ctx context.Context) ([]action.Option, error) {
	return pages(ctx, func(ctx context.Context, cursor string) (page, error) {
		list, next, err := c.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{
			Types: []string{"public_channel", "private_channel"}, ExcludeArchived: true, Limit: pageSize, Cursor: cursor,
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
func (c *Client) users(ctx context.Context) ([]action.Option, error) {
	return pages(ctx, func(ctx context.Context, cursor string) (page, error) {
		list, err := c.api.GetUsersPaginated(
			slack.GetUsersOptionLimit(pageSize), slack.GetUsersOptionIncludeLocale(false), slack.GetUsersOptionCursor(cursor),
		).Next(ctx)
		if err != nil {
			return page{}, err
		}
		p := page{next: list.Cursor}
		for _, u := range list.Users {
			if !u.IsRestricted && !u.IsUltraRestricted && !u.IsBot && !u.Deleted {
				p.options = append(p.options, action.Option{Name: u.ID, Label: "@" + u.Name})
			}
		}
		return p, nil
	})
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
	cursor := ""
	for range maxPages {
		p, err := retryIdempotent(ctx, func(ctx context.Context) (page, error) { return fetch(ctx, cursor) })
		if err != nil {
			return nil, err
		}
		options = append(options, p.options...)
		switch p.next {
		case "":
			return options, nil
		case cursor:
			return nil, errUnexpected
		}
		cursor = p.next
	}
	return nil, action.Errorf(action.TooLarge, "The workspace has too many names for a list. %s", byHand)
}
