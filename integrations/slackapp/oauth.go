package slackapp

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/slack"
)

// anyID is the ID of a workspace whose token was stored without one.
const anyID = "any"

// install is a workspace in which Looker's Slack app is installed.
type install struct {
	id     string
	client *slack.Client
}

// several reports whether this version of Looker supports several workspaces. An unknown version counts as
// current.
func several(v action.Version) bool {
	return !v.Known() || v.AtLeast(action.V(7, 3, 0))
}

// installs reads the state that Looker stores: a list of workspaces with their tokens, or one token.
func (i *Integration) installs(req *action.Request) []install {
	state := strings.TrimSpace(req.State)
	var list []json.RawMessage
	if several(req.Version) && json.Unmarshal([]byte(state), &list) == nil && list != nil {
		return i.list(list)
	}
	var quoted string
	if json.Unmarshal([]byte(state), &quoted) == nil {
		state = strings.TrimSpace(quoted)
	}
	if state == "" {
		return nil
	}
	return []install{{anyID, i.slack.Client(action.Secret(state))}}
}

func (i *Integration) list(list []json.RawMessage) []install {
	var installs []install
	position := map[string]int{}
	for _, item := range list {
		var in struct {
			ID    string `json:"install_id"`
			Token string `json:"token"`
		}
		// An entry without an ID or a token cannot be used.
		if json.Unmarshal(item, &in) != nil || in.ID == "" || in.Token == "" {
			continue
		}
		made := install{in.ID, i.slack.Client(action.Secret(in.Token))}
		if at, again := position[in.ID]; again {
			installs[at] = made // the later token is the newer
			continue
		}
		position[in.ID] = len(installs)
		installs = append(installs, made)
	}
	return installs
}

// connection is an install with Slack's response about it.
type connection struct {
	install
	slack.Workspace
	err error
}

// connections asks Slack about all installs concurrently.
func (i *Integration) connections(
	ctx context.Context, installs []install, ask func(*slack.Client, context.Context) (slack.Workspace, error),
) []connection {
	found := make([]connection, len(installs))
	var wg sync.WaitGroup
	for n, in := range installs {
		wg.Add(1)
		panics.Go(func() (err error) {
			found[n].Workspace, err = ask(in.client, ctx)
			return err
		}, func(err error) {
			defer wg.Done()
			found[n].install, found[n].err = in, err
			if err != nil {
				i.log.WarnContext(ctx, "a Slack workspace cannot be used", "install_id", in.id, "error", err)
			}
		})
	}
	wg.Wait()
	return found
}
