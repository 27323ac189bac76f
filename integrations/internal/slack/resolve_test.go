package slack_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/slack"
)

// deliverTo delivers a file and returns the conversations that have it, and the methods that were called.
func deliverTo(t *testing.T, f *fake, form map[string]string) (seen, methods []string, err error) {
	t.Helper()
	_, err = client(t, f.Destination).Deliver(t.Context(), actiontest.Inline(t, actiontest.Query(nil, form), "text/csv", "csv", []byte(csv)))
	for _, line := range f.seen {
		to, _, _ := strings.Cut(line, ":")
		seen = append(seen, to)
	}
	for _, r := range f.Requests() {
		methods = append(methods, strings.TrimPrefix(r.Path, "/api/"))
	}
	f.check(t)
	return seen, methods, err
}

// A file is shared by ID only, so that names are found before anything is uploaded.
func TestNames(t *testing.T) {
	t.Parallel()
	const list, users = "conversations.list", "users.list"
	for name, tt := range map[string]struct {
		channel, more string
		lacks         string
		seen, lists   []string
	}{
		"an ID":                     {channel: "C1", seen: []string{"C1"}},
		"a name with #":             {channel: "#general", seen: []string{"C1"}, lists: []string{list}},
		"a name":                    {channel: "general", seen: []string{"C1"}, lists: []string{list}},
		"a name in capitals":        {channel: "GENERAL", seen: []string{"C1"}, lists: []string{list}},
		"a full-width #":            {channel: "＃general", seen: []string{"C1"}, lists: []string{list}},
		"invisible characters":      {channel: "\u200b#general\u200b", seen: []string{"C1"}, lists: []string{list}},
		"a name on a later page":    {channel: "#Sales-Été", seen: []string{"C2"}, lists: []string{list, list}},
		"a private channel":         {channel: "board", seen: []string{"G3"}, lists: []string{list, list, list}},
		"an app without groups":     {channel: "general", lacks: "groups:read", seen: []string{"C1"}, lists: []string{list, list}},
		"a mention":                 {channel: "<#C1|general>", seen: []string{"C1"}},
		"a mention of a user":       {channel: "<@U1>", seen: []string{"D1"}},
		"a link":                    {channel: "https://acme.slack.com/archives/C1", seen: []string{"C1"}},
		"a link to a message":       {channel: "https://acme.slack.com/archives/C1/p1700000000123456", seen: []string{"C1"}},
		"a link of the app":         {channel: "https://app.slack.com/client/T024BE7LD/C1", seen: []string{"C1"}},
		"a link in brackets":        {channel: "<https://acme.slack.com/archives/C1|#general>", seen: []string{"C1"}},
		"a link to a user":          {channel: "https://acme.slack.com/team/U1", seen: []string{"D1"}},
		"a user's name":             {channel: "@ann", seen: []string{"D1"}, lists: []string{users}},
		"a user's display name":     {channel: "@Bob", seen: []string{"D2"}, lists: []string{users, users}},
		"a user's e-mail address":   {channel: "Ann@Example.com", seen: []string{"D1"}, lists: []string{"users.lookupByEmail"}},
		"a name and its ID":         {channel: "general", more: "C1, <#C1>", seen: []string{"C1"}, lists: []string{list}},
		"several, in one walk each": {channel: "general", more: "#board @ann U1 sales-été", seen: []string{"C1", "G3", "D1", "C2"}, lists: []string{list, list, list, users}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.lacks = map[string]bool{tt.lacks: true}
				seen, methods, err := deliverTo(t, f, map[string]string{"channel": tt.channel, "more_channels": tt.more})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.seen, seen); diff != "" {
					t.Errorf("seen (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.lists, methods[:len(tt.lists)], cmpEmpty); diff != "" {
					t.Errorf("first calls (-want +got):\n%s", diff)
				}
				if next := methods[len(tt.lists)]; next != "conversations.open" && next != "files.getUploadURLExternal" {
					t.Errorf("then %s", next)
				}
			})
		})
	}
}

// cmpEmpty takes no calls and an empty list of calls for the same.
var cmpEmpty = cmp.Transformer("empty", func(list []string) string { return strings.Join(list, " ") })

func TestNamesNotFound(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		channel, more string
		lacks         string
		kind          action.Kind
		message       string
	}{
		"no such channel": {
			channel: "#none", kind: action.NotFound,
			message: "Channel #none not found. A private channel is found only if the Slack app is a member of it. Enter the channel's ID instead.",
		},
		"an archived channel": {
			channel: "old", kind: action.NotFound,
			message: "Channel #old not found. A private channel is found only if the Slack app is a member of it. Enter the channel's ID instead.",
		},
		"one of several": {
			channel: "C1", more: "none", kind: action.NotFound,
			message: "Nothing was sent, because of none: Channel #none not found. A private channel is found only if the Slack app is a member of it. " +
				"Enter the channel's ID instead.",
		},
		"no such user":      {channel: "@none", kind: action.NotFound, message: "User @none not found. Enter the user's ID instead."},
		"a deactivated one": {channel: "@gone", kind: action.NotFound, message: "User @gone not found. Enter the user's ID instead."},
		"a bot":             {channel: "@bot", kind: action.NotFound, message: "User @bot not found. Enter the user's ID instead."},
		"a name of two":     {channel: "@twin", kind: action.Invalid, message: "Several users are called @twin. Enter the user's ID instead."},
		"an unknown address": {
			channel: "bob@example.com", kind: action.NotFound, message: "User not found. Enter the user's ID (users_not_found).",
		},
		"an app that may not list channels": {
			channel: "general", lacks: "channels:read", kind: action.Forbidden,
			message: "The Slack app lacks the scope channels:read (missing_scope). Without it, enter an ID instead of a name.",
		},
		"an app that may not list users": {
			channel: "@ann", lacks: "users:read", kind: action.Forbidden,
			message: "The Slack app lacks the scope users:read (missing_scope). Without it, enter an ID instead of a name.",
		},
		"an app that may not read addresses": {
			channel: "ann@example.com", lacks: "users:read.email", kind: action.Forbidden,
			message: "The Slack app lacks the scope users:read.email (missing_scope). Without it, enter an ID instead of a name.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.lacks = map[string]bool{tt.lacks: true}
				seen, methods, err := deliverTo(t, f, map[string]string{"channel": tt.channel, "more_channels": tt.more})
				compareError(t, err, tt.kind, tt.message)
				if len(seen) > 0 {
					t.Errorf("seen %q", seen)
				}
				for _, m := range methods {
					if strings.HasPrefix(m, "files.") {
						t.Errorf("called %s", m)
					}
				}
			})
		})
	}
}

// The walk through a list ends, whatever Slack answers.
func TestNamesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		d := actiontest.NewSocketless().Handle(func(actiontest.Recorded) actiontest.Reply {
			calls++
			return actiontest.Reply{Body: `{"ok":true,"channels":[],"response_metadata":{"next_cursor":"` + strings.Repeat("x", calls%2+1) + `"}}`}
		})
		req := actiontest.Query(nil, map[string]string{"channel": "general"})
		_, err := client(t, d).Deliver(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte(csv)))
		if kind := action.KindOf(err); kind != action.TooLarge {
			t.Errorf("error %v", err)
		}
		if calls != 100 {
			t.Errorf("%d calls, want 100", calls)
		}
	})
}

// organization is a fake with a token of an organization.
func organization(teams ...string) *fake {
	f := newFake()
	f.org, f.teams = true, teams
	f.channels = map[string][]string{"T1": {`{"id":"C1","name":"general"}`}, "T2": {`{"id":"C2","name":"general"}`}}
	f.members = map[string][]string{"T1": {`{"id":"U1","name":"ann"}`}, "T2": {`{"id":"W2","name":"ann"}`}}
	return f
}

const (
	sales   = `{"id":"T1","name":"Sales"}`
	support = `{"id":"T2","name":"Support"}`
)

// A token of an organization needs a workspace for lists.
func TestOrganizationForm(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form    map[string]string
		options []action.Option
		chosen  string
	}{
		"at first":                    {map[string]string{"channelType": "channels"}, []action.Option{{Name: "C1", Label: "#general"}}, "T1"},
		"users":                       {map[string]string{"channelType": "users"}, []action.Option{{Name: "U1", Label: "@ann"}}, "T1"},
		"another workspace":           {map[string]string{"channelType": "channels", "team_id": "T2"}, []action.Option{{Name: "C2", Label: "#general"}}, "T2"},
		"users of another":            {map[string]string{"channelType": "users", "team_id": "T2"}, []action.Option{{Name: "W2", Label: "@ann"}}, "T2"},
		"one that is gone":            {map[string]string{"channelType": "channels", "team_id": "T9"}, []action.Option{{Name: "C1", Label: "#general"}}, "T1"},
		"chosen in the other field":   {map[string]string{"channelType": "channels", "workspace": "T2"}, []action.Option{{Name: "C2", Label: "#general"}}, "T2"},
		"both fields, which disagree": {map[string]string{"channelType": "channels", "workspace": "T1", "team_id": "T2"}, []action.Option{{Name: "C2", Label: "#general"}}, "T2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := organization(sales, support)
				fields, err := client(t, f.Destination).FieldsFor(t.Context(), tt.form)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.options, fields[1].Options); diff != "" {
					t.Errorf("options (-want +got):\n%s", diff)
				}
				want := action.Field{
					Name: "team_id", Label: "Workspace of the Organization", Description: "Its channels and users are listed.",
					Type: action.Select, Interactive: true, Default: tt.chosen,
					Options: []action.Option{{Name: "T1", Label: "Sales"}, {Name: "T2", Label: "Support"}},
				}
				if diff := cmp.Diff(want, fields[len(fields)-1]); diff != "" {
					t.Errorf("last field (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestOrganizationFormFails(t *testing.T) {
	t.Parallel()
	const token = "The token belongs to an organization (Enterprise Grid), for which Slack needs a workspace."
	for name, tt := range map[string]struct {
		teams   []string
		scripts map[string][]script
		kind    action.Kind
		message string
	}{
		"an app that is approved for none": {
			nil, nil, action.Forbidden,
			token + " The organization's administrators have not approved the Slack app for any.",
		},
		"a workspace whose approval ended": {
			[]string{`{"id":"T3","name":"Gone"}`},
			nil, action.Forbidden,
			"The organization's administrators have not approved the Slack app for this workspace. They can add it there (team_access_not_granted).",
		},
		"no list of workspaces": {
			nil,
			map[string][]script{"auth.teams.list": {{Reply: refusedWith("not_allowed_token_type")}}},
			action.Invalid,
			token + " The organization's workspaces cannot be listed: Slack does not allow this with this type of token (not_allowed_token_type). " +
				"Choose the channel type Manual Channel ID to enter an ID instead.",
		},
		"an outage": {
			nil,
			map[string][]script{"auth.teams.list": {{Reply: actiontest.Reply{Status: 503}}, {Reply: actiontest.Reply{Status: 503}}, {Reply: actiontest.Reply{Status: 503}}}},
			action.Unavailable, "Slack returned 503 Service Unavailable. Choose the channel type Manual Channel ID to enter an ID instead.",
		},
	} {
		for _, channelType := range []string{"channels", "users"} {
			t.Run(name+" "+channelType, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := organization(tt.teams...)
					f.scripts = map[string][]script{}
					maps.Copy(f.scripts, tt.scripts)
					_, err := client(t, f.Destination).Fields(t.Context(), channelType)
					compareError(t, err, tt.kind, tt.message)
				})
			})
		}
	}
}

// A name can exist in each workspace, so that one must be chosen.
func TestOrganizationNames(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		teams   []string
		form    map[string]string
		seen    []string
		message string
	}{
		"an ID needs no workspace": {[]string{sales, support}, map[string]string{"channel": "C1"}, []string{"C1"}, ""},
		"the only workspace":       {[]string{support}, map[string]string{"channel": "general"}, []string{"C2"}, ""},
		"the chosen workspace":     {[]string{sales, support}, map[string]string{"channel": "#general", "team_id": "T2"}, []string{"C2"}, ""},
		"chosen before the login":  {[]string{sales, support}, map[string]string{"channel": "#general", "workspace": "T2"}, []string{"C2"}, ""},
		"a user":                   {[]string{sales, support}, map[string]string{"channel": "@ann", "team_id": "T2"}, []string{"D2"}, ""},
		"none is chosen": {
			[]string{sales, support},
			map[string]string{"channel": "general"},
			nil,
			"The token belongs to an organization with several workspaces, and a name can exist in each. Enter an ID, or choose the channel type " +
				"Channels or Users, and the workspace.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				seen, _, err := deliverTo(t, organization(tt.teams...), tt.form)
				if got := action.MessageOf(err); err != nil && got != tt.message || err == nil && tt.message != "" {
					t.Errorf("message %q, want %q", got, tt.message)
				}
				if diff := cmp.Diff(tt.seen, seen); diff != "" {
					t.Errorf("seen (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// GovSlack is another Slack, with a domain of its own for the API and for uploads
// (https://api.slack-gov.com/gov-slack/about).
func TestGovSlack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ env, upload, message string }{
		"GovSlack":                     {"slack-gov.com", "files.slack-gov.com", ""},
		"an upload to the other Slack": {"slack-gov.com", "files.slack.com", "The upload URL does not belong to Slack. The file was not sent."},
		"the commercial Slack":         {"slack.com", "files.slack.com", ""},
		"by default":                   {"", "files.slack.com", ""},
		"an upload to GovSlack":        {"", "files.slack-gov.com", "The upload URL does not belong to Slack. The file was not sent."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := workspace(t, map[string]actiontest.Reply{
				"files.getUploadURLExternal": {Body: `{"ok":true,"upload_url":"https://` + tt.upload + `/upload/v1/s3cret-ticket","file_id":"F123"}`},
			})
			env := map[string]string{}
			host := "slack.com"
			if tt.env != "" {
				env["SLACK_DOMAIN"], host = tt.env, tt.env
			}
			connector, err := slack.Connect(actiontest.Deps(t, d, env))
			if err != nil {
				t.Fatal(err)
			}
			req := actiontest.Query(nil, map[string]string{"channel": "C1"})
			_, err = connector.Client(token).Deliver(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte(csv)))
			if got := action.MessageOf(err); err != nil && got != tt.message || err == nil && tt.message != "" {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			for _, r := range d.Requests() {
				if r.Host != host && r.Host != tt.upload {
					t.Errorf("called %s", r.Host)
				}
			}
			if got := d.Requests()[0].Host; got != host {
				t.Errorf("called %s, want %s", got, host)
			}
		})
	}
}

func TestUnknownDomain(t *testing.T) {
	t.Parallel()
	if _, err := slack.Connect(actiontest.Deps(t, nil, map[string]string{"SLACK_DOMAIN": "example.com"})); err == nil {
		t.Error("no error")
	}
}

// A token is cleaned of what was pasted with it.
func TestToken(t *testing.T) {
	t.Parallel()
	for _, pasted := range []action.Secret{token, " " + token + "\n", "Bearer " + token, `"` + token + `"`, "\u200b" + token, "Authorization: Bearer " + token} {
		d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: `{"ok":true,"team":"x","team_id":"T1"}`})
		if _, err := slack.NewConnector(&http.Client{Transport: actiontest.Deps(t, d, nil).HTTP.Transport}).Client(pasted).Workspace(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := tokenOf(d.Requests()[0]); got != token {
			t.Errorf("%q was sent for %q", got, pasted.Reveal())
		}
	}
}

// compareError compares an error's kind and message.
func compareError(t *testing.T, err error, kind action.Kind, message string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if got := action.KindOf(err); got != kind {
		t.Errorf("kind %v, want %v", got, kind)
	}
	if got := action.MessageOf(err); got != message {
		t.Errorf("message %q, want %q", got, message)
	}
}
