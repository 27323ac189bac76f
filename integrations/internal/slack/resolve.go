package slack

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
)

// resolve finds the IDs of destinations that are named, before anything is uploaded: a file is shared by ID only
// (https://docs.slack.dev/reference/methods/files.completeUploadExternal). Each list is read once, and no further than
// needed.
func (c *Client) resolve(ctx context.Context, to []target, form map[string]string) error {
	if err := c.inTeam(ctx, to, form, c.resolveChannels); err != nil {
		return err
	}
	if err := c.inTeam(ctx, to, form, c.resolveUsers); err != nil {
		return err
	}
	for i := range to {
		t := &to[i]
		if t.id != "" {
			continue
		}
		if t.email != "" {
			if err := c.resolveEmail(ctx, t); err != nil {
				return unresolved(err, *t, len(to))
			}
			continue
		}
		err := action.Errorf(action.NotFound, "Channel #%s not found. A private channel is found only if the Slack app is a member of it. "+
			"Enter the channel's ID instead.", t.channel)
		if t.handle != "" {
			err = action.Errorf(action.NotFound, "User @%s not found. Enter the user's ID instead.", t.handle)
		}
		return unresolved(err.WithField("channel"), *t, len(to))
	}
	return nil
}

// unresolved names the destination of an error if there are several.
func unresolved(err error, t target, destinations int) error {
	if destinations == 1 {
		return err
	}
	return nothingSent(err, t)
}

// inTeam searches a list, and does so again in a workspace if the token belongs to an organization.
func (c *Client) inTeam(
	ctx context.Context, to []target, form map[string]string, search func(ctx context.Context, to []target, team string) error,
) error {
	err := search(ctx, to, form["team_id"])
	if !needsTeam(err) {
		return err
	}
	team, err := c.teamOf(ctx, form, err)
	if err != nil {
		return err
	}
	return search(ctx, to, team)
}

// names maps the names that are looked for to their targets.
func names(to []target, name func(target) string) map[string]*target {
	wanted := map[string]*target{}
	for i := range to {
		if n := name(to[i]); n != "" && to[i].id == "" {
			wanted[n] = &to[i]
		}
	}
	return wanted
}

// resolveChannels finds channels by name. An app that may not list private channels finds public ones.
func (c *Client) resolveChannels(ctx context.Context, to []target, team string) error {
	err := c.searchChannels(ctx, to, team, bothTypes)
	if hasCode(err, "missing_scope") {
		err = c.searchChannels(ctx, to, team, bothTypes[:1])
	}
	return byID(err)
}

func (c *Client) searchChannels(ctx context.Context, to []target, team string, types []string) error {
	wanted := names(to, func(t target) string { return t.channel })
	if len(wanted) == 0 {
		return nil
	}
	return walk(ctx, func(ctx context.Context, cursor string) (string, error) {
		ctx, cancel := withCallTimeout(ctx)
		defer cancel()
		list, next, err := c.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{
			Types: types, ExcludeArchived: true, Limit: pageSize, Cursor: cursor, TeamID: team,
		})
		for _, ch := range list {
			name := strings.ToLower(ch.Name)
			if t := wanted[name]; t != nil && !ch.IsArchived {
				t.id = ch.ID
				delete(wanted, name)
			}
		}
		if len(wanted) == 0 {
			next = ""
		}
		return next, err
	})
}

// resolveUsers finds users by the name that the list of users shows, or by a display name that only one user has.
func (c *Client) resolveUsers(ctx context.Context, to []target, team string) error {
	wanted := names(to, func(t target) string { return t.handle })
	if len(wanted) == 0 {
		return nil
	}
	display := map[string][]string{}
	err := walk(ctx, func(ctx context.Context, cursor string) (string, error) {
		ctx, cancel := withCallTimeout(ctx)
		defer cancel()
		list, next, err := c.userPage(ctx, team, cursor)
		for _, u := range list {
			if u.Deleted || u.IsBot {
				continue
			}
			if t := wanted[strings.ToLower(u.Name)]; t != nil {
				t.id = u.ID
				delete(wanted, strings.ToLower(u.Name))
				continue
			}
			shown := strings.ToLower(u.Profile.DisplayName)
			display[shown] = append(display[shown], u.ID)
		}
		if len(wanted) == 0 {
			next = ""
		}
		return next, err
	})
	if err != nil {
		return byID(err)
	}
	for name, t := range wanted {
		switch ids := display[name]; {
		case len(ids) == 1:
			t.id = ids[0]
		case len(ids) > 1:
			return action.InvalidField("channel", "Several users are called @%s. Enter the user's ID instead.", name)
		}
	}
	return nil
}

// resolveEmail finds a user by e-mail address
// (https://docs.slack.dev/reference/methods/users.lookupByEmail).
func (c *Client) resolveEmail(ctx context.Context, t *target) error {
	found, err := retryIdempotent(ctx, func(ctx context.Context) (*slack.User, error) {
		ctx, cancel := withCallTimeout(ctx)
		defer cancel()
		return c.api.GetUserByEmailContext(ctx, t.email)
	})
	switch {
	case err != nil:
		return byID(err)
	case found.ID == "":
		return errUnexpected
	}
	t.id = found.ID
	return nil
}

// byID adds what helps if an app lacks the scope to find a name.
func byID(err error) error {
	if !hasCode(err, "missing_scope", "not_allowed_token_type") {
		return err
	}
	return action.Wrap(err, action.KindOf(err), "%s Without it, enter an ID instead of a name.", action.MessageOf(err))
}
