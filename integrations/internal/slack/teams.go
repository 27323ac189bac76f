package slack

import (
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
)

// workspaces are those of an organization (Enterprise Grid) for which the Slack app is approved. Lists need one of
// them if the token is the organization's (https://docs.slack.dev/reference/methods/conversations.list, team_id).
type workspaces struct {
	options []action.Option
	// chosen is the ID of the one that is used.
	chosen string
}

// needsTeam reports whether an error says that the token belongs to an organization: the only argument that the hub leaves
// out is the workspace.
func needsTeam(err error) bool { return hasCode(err, "missing_argument") }

// teams lists the workspaces of an organization. The one in the form is chosen, or the first. The error of the call that
// needs one is shown if they cannot be listed
// (https://docs.slack.dev/reference/methods/auth.teams.list).
func (c *Client) teams(ctx context.Context, form map[string]string, needed error) (workspaces, error) {
	options, err := c.sorted(ctx, "teams", "", func(ctx context.Context, _ string) ([]action.Option, error) {
		return pages(ctx, func(ctx context.Context, cursor string) (page, error) {
			list, next, err := c.api.ListTeamsContext(ctx, slack.ListTeamsParameters{Limit: pageSize, Cursor: cursor})
			p := page{next: next}
			for _, team := range list {
				p.options = append(p.options, action.Option{Name: team.ID, Label: team.Name})
			}
			return p, err
		})
	})
	const token = "The token belongs to an organization (Enterprise Grid), for which Slack needs a workspace."
	switch {
	case action.KindOf(err).Retryable():
		return workspaces{}, err
	case err != nil:
		return workspaces{}, action.Wrap(err, action.KindOf(needed), "%s The organization's workspaces cannot be listed: %s %s",
			token, action.MessageOf(err), byHand)
	case len(options) == 0:
		return workspaces{}, action.Wrap(needed, action.Forbidden, "%s The organization's administrators have not approved the Slack app "+
			"for any.", token)
	}
	teams := workspaces{options: options, chosen: options[0].Name}
	for _, field := range []string{"workspace", "team_id"} {
		wanted := strings.TrimSpace(form[field])
		if at := slices.IndexFunc(options, func(o action.Option) bool { return o.Name == wanted }); at >= 0 {
			teams.chosen = wanted
		}
	}
	return teams, nil
}

func (w workspaces) field() action.Field {
	return action.Field{
		Name: "team_id", Label: "Workspace of the Organization", Description: "Its channels and users are listed.",
		Type: action.Select, Interactive: true, Default: w.chosen, Options: w.options,
	}
}

// teamOf returns the workspace in which a delivery's names are searched. Without a choice there must be only one: a name can
// exist in each.
func (c *Client) teamOf(ctx context.Context, form map[string]string, needed error) (string, error) {
	teams, err := c.teams(ctx, form, needed)
	if err != nil {
		return "", err
	}
	if len(teams.options) > 1 && teams.chosen != form["team_id"] && teams.chosen != form["workspace"] {
		return "", action.InvalidField("channel", "The token belongs to an organization with several workspaces, and a name can exist in each. "+
			"Enter an ID, or choose the channel type Channels or Users, and the workspace.")
	}
	return teams.chosen, nil
}
