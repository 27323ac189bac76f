package slack

import (
	"cmp"
	"context"
	"slices"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
)

// The ways to name a destination: the values of the field channelType.
const (
	manual   = "manual"
	channels = "channels"
	users    = "users"
)

// pageSize is the largest page that Slack's lists give
// (https://docs.slack.dev/reference/methods/conversations.list).
const pageSize = 1000

// Fields asks for a destination, a comment and a file name. Only a channelType of
// "channels" or "users" makes it call Slack.
func (c *Client) Fields(ctx context.Context, channelType string) ([]action.Field, error) {
	channel, err := c.channelField(ctx, channelType)
	if err != nil {
		return nil, err
	}
	return []action.Field{
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
	}, nil
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
	options, err := list(ctx)
	if err != nil {
		// A part of the list would look like all of it, so none is shown.
		if action.KindOf(err).Retryable() {
			err = action.Wrap(err, action.KindOf(err), "%s No list is needed with the channel type Manual Channel ID.", action.MessageOf(err))
		}
		return action.Field{}, err
	}
	slices.SortStableFunc(options, func(a, b action.Option) int { return cmp.Compare(a.Label, b.Label) })
	return action.Field{
		Name: "channel", Label: "Share In", Description: "Name of the Slack channel you would like to post to.",
		Type: action.Select, Required: true, Options: options,
	}, nil
}

func (c *Client) channels(ctx context.Context) ([]action.Option, error) {
	type page struct {
		channels []slack.Channel
		next     string
	}
	var options []action.Option
	params := slack.GetConversationsParameters{
		Types: []string{"public_channel", "private_channel"}, ExcludeArchived: true, Limit: pageSize,
	}
	for {
		p, err := read(ctx, func(ctx context.Context) (page, error) {
			list, next, err := c.api.GetConversationsContext(ctx, &params)
			return page{list, next}, err
		})
		if err != nil {
			return nil, err
		}
		for _, ch := range p.channels {
			if !ch.IsArchived {
				options = append(options, action.Option{Name: ch.ID, Label: "#" + ch.Name})
			}
		}
		if p.next == "" || p.next == params.Cursor {
			return options, nil
		}
		params.Cursor = p.next
	}
}

func (c *Client) users(ctx context.Context) ([]action.Option, error) {
	var options []action.Option
	page := c.api.GetUsersPaginated(slack.GetUsersOptionLimit(pageSize), slack.GetUsersOptionIncludeLocale(false))
	for {
		next, err := read(ctx, page.Next)
		if err != nil {
			return nil, err
		}
		for _, u := range next.Users {
			if u.IsRestricted || u.IsUltraRestricted || u.IsBot || u.Deleted {
				continue
			}
			options = append(options, action.Option{Name: u.ID, Label: "@" + u.Name})
		}
		if next.Cursor == "" || next.Cursor == page.Cursor {
			return options, nil
		}
		page = next
	}
}
