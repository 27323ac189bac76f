package slack

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/pasted"
)

var (
	// user is the pattern of a user's ID, which differs from the ID of the conversation with the app.
	user = regexp.MustCompile(`^[UW][A-Z0-9]+$`)
	// id is the pattern of the IDs of conversations and users. Names are in lowercase and never match, unless somebody
	// enters them in capitals.
	id = regexp.MustCompile(`^[CDGUWZ][A-Z0-9]+$`)
	// minID is the length of Slack's shortest IDs.
	minID = len("C024BE91L")
	// mention is a mention as Slack encodes it: <#C024BE91L|general>.
	mention = regexp.MustCompile(`^<?[#@]([CDGUWZ][A-Z0-9]+)(?:\|[^>]*)?>?$`)
	// page is the path of a channel's or a user's page.
	pagePath = regexp.MustCompile(`^/(?:archives|team|client/[TE][A-Z0-9]+)/([CDGUWZ][A-Z0-9]+)(?:/.*)?$`)
)

// maxDestinations limits one delivery, which uploads the file for each destination.
const maxDestinations = 20

// maxName is the maximum length of Slack's names. IDs are shorter.
const maxName = 80

// maxLink is longer than any link to a page of Slack.
const maxLink = 500

// target is a destination as the form has it.
type target struct {
	// given is what was entered.
	given string
	// id is the ID of a channel or a user; empty for a name.
	id string
	// channel, handle and email name a channel or a user.
	channel, handle, email string
}

// parseTarget reads an ID, a name such as #general or @ann, an e-mail address, a mention, or a link to a page of Slack.
func parseTarget(text string) target {
	t := target{given: text}
	if found := mention.FindStringSubmatch(text); found != nil && isID(found[1]) {
		t.id = found[1]
		return t
	}
	if u, err := url.Parse(pasted.URL(text)); err == nil && isSlackHost(u) {
		if found := pagePath.FindStringSubmatch(u.Path); found != nil {
			t.id = found[1]
			return t
		}
	}
	name := strings.ToLower(text)
	local, host, isEmail := strings.Cut(name, "@")
	switch {
	case isID(text):
		t.id = text
	case strings.HasPrefix(name, "@"):
		t.handle = strings.TrimPrefix(name, "@")
	case isEmail && local != "" && host != "":
		t.email = name
	default:
		t.channel = strings.TrimLeft(name, "#＃")
	}
	return t
}

// isID reports whether a text is an ID. A short word in capitals is a name.
func isID(text string) bool {
	return id.MatchString(text) && (len(text) >= minID || strings.ContainsAny(text, "0123456789"))
}

// targets returns the destinations in the form, without duplicates.
func targets(form map[string]string) ([]target, error) {
	var list []target
	for _, field := range []string{"channel", "more_channels"} {
		for text := range strings.FieldsFuncSeq(form[field], func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
			if text = pasted.Text(text); text == "" {
				continue
			}
			if len(text) > maxLink || utf8.RuneCountInString(text) > maxName && !strings.Contains(text, "://") {
				return nil, action.InvalidField(field, "A channel or user ID has at most %d characters.", maxName)
			}
			t := parseTarget(text)
			if !slices.ContainsFunc(list, t.same) {
				list = append(list, t)
			}
		}
	}
	if len(list) > maxDestinations {
		return nil, action.InvalidField("more_channels", "A delivery can go to at most %d channels and users.", maxDestinations)
	}
	return list, nil
}

// same reports whether two targets are the same destination, however they were entered.
func (t target) same(other target) bool {
	t.given, other.given = "", ""
	return t == other
}

// conversation is the destination of a file or a message.
type conversation struct {
	// name is its name in the form.
	name string
	// id is the ID of a channel, or of a user's conversation with the app.
	id string
	// closed is set for a user whose conversation the app may not open. id is then the user's, to which
	// messages can be sent, but not files.
	closed bool
}

// open returns the conversations of a delivery. It drops a conversation that is given both by its user and by
// its own ID. Opening a conversation is not visible.
func (c *Client) open(ctx context.Context, to []target) ([]conversation, error) {
	var list []conversation
	for _, t := range to {
		next := conversation{name: t.given, id: t.id}
		if user.MatchString(t.id) {
			opened, err := c.openWith(ctx, t.id)
			switch {
			case hasCode(err, "missing_scope", "not_allowed_token_type"):
				next.closed = true // older apps lack the scope im:write
			case err != nil && len(to) > 1:
				return nil, nothingSent(err, t)
			case err != nil:
				return nil, err
			default:
				next.id = opened
			}
		}
		if !slices.ContainsFunc(list, func(c conversation) bool { return c.id == next.id }) {
			list = append(list, next)
		}
	}
	// The user of a D… conversation is then unknown, and a user must not receive a file twice.
	if slices.ContainsFunc(list, func(c conversation) bool { return c.closed }) &&
		slices.ContainsFunc(list, func(c conversation) bool { return strings.HasPrefix(c.id, "D") }) {
		return nil, action.InvalidField("more_channels",
			"Without the scope im:write of the Slack app, users (U…) and conversations with users (D…) cannot be in one delivery.")
	}
	return list, nil
}

// nothingSent is the error for one of several destinations, before anything was sent.
func nothingSent(err error, t target) error {
	return action.Wrap(err, action.KindOf(err), "Nothing was sent, because of %s: %s", t.given, action.MessageOf(err))
}

// openWith returns the ID of the conversation with a user, which is the same each time
// (https://docs.slack.dev/reference/methods/conversations.open).
func (c *Client) openWith(ctx context.Context, user string) (string, error) {
	return retryIdempotent(ctx, func(ctx context.Context) (string, error) {
		ctx, cancel := withCallTimeout(ctx)
		defer cancel()
		opened, _, _, err := c.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
		switch {
		case err != nil:
			return "", err
		case opened == nil || opened.ID == "":
			return "", errUnexpected
		}
		return opened.ID, nil
	})
}

// hasCode reports whether an error has one of these codes.
func hasCode(err error, codes ...string) bool {
	refused, ok := errors.AsType[codeError](err)
	return ok && slices.Contains(codes, string(refused))
}

// thread is the message that a file or a comment replies to.
type thread struct {
	// ts is its timestamp, which identifies a message in Slack. Empty means no thread.
	ts string
	// channel is the message's channel, or empty if it is unknown.
	channel string
}

var (
	timestamp = regexp.MustCompile(`^[0-9]{10}\.[0-9]{6}$`)
	permalink = regexp.MustCompile(`^/archives/([CDG][A-Z0-9]+)/p([0-9]{10})([0-9]{6})$`)
)

// parseThread reads a timestamp, or the link that Slack copies for a message:
// https://example.slack.com/archives/C024BE91L/p1700000000123456. The link of a reply also contains the
// thread's first message: ?thread_ts=1700000000.000100&cid=C024BE91L.
func parseThread(text string) (thread, error) {
	text = strings.TrimSpace(text)
	if text == "" || timestamp.MatchString(text) {
		return thread{ts: text}, nil
	}
	wrong := action.InvalidField("thread_ts", "The thread must be a link to a Slack message, or its timestamp such as 1700000000.123456.")
	u, err := url.Parse(text)
	if err != nil || !isSlackHost(u) || u.Fragment != "" {
		return thread{}, wrong
	}
	at := permalink.FindStringSubmatch(u.EscapedPath())
	query, err := url.ParseQuery(u.RawQuery)
	if at == nil || err != nil {
		return thread{}, wrong
	}
	found := thread{ts: at[2] + "." + at[3], channel: at[1]}
	for parameter, values := range query {
		switch {
		case len(values) != 1:
			return thread{}, wrong
		case parameter == "cid" && values[0] == found.channel:
		case parameter == "thread_ts" && timestamp.MatchString(values[0]):
			found.ts = values[0] // Slack does not support replies to replies
		default:
			return thread{}, wrong
		}
	}
	return found, nil
}

// in checks that the thread can be in the delivery's conversation.
func (t thread) in(list []conversation) error {
	switch {
	case t.ts == "":
		return nil
	case len(list) > 1:
		return action.InvalidField("thread_ts", "A thread is in one channel. Choose only that channel, or leave out the thread.")
	case t.channel != "" && t.channel != list[0].id:
		return action.InvalidField("thread_ts", "The thread is in %s, not in the chosen channel. Enter the channel's ID.", t.channel)
	}
	return nil
}
