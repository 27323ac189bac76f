package googlechat

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/webhook"
)

const host = "chat.googleapis.com"

// path is that of webhook URLs.
var path = regexp.MustCompile(`^/v1/spaces/[^/]+/messages$`)

// maxThread is the maximum number of characters of a thread's key
// (https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages#Thread).
const maxThread = 4000

// endpoint checks a webhook URL, and returns it with the key of the thread for the message, or "". The URL may
// contain the key in its deprecated parameter threadKey
// (https://developers.google.com/workspace/chat/quickstart/webhooks#start-reply-thread).
func endpoint(text, thread string) (*url.URL, string, error) {
	u, err := webhook.Address("url", text)
	if err != nil {
		return nil, "", err
	}
	given := u.Query()
	if !isWebhook(u, given) {
		return nil, "", action.InvalidField("url", "This is not a Google Chat webhook URL. Copy the complete URL from the space's webhooks.")
	}
	thread = cmp.Or(strings.TrimSpace(thread), given.Get("threadKey"))
	if utf8.RuneCountInString(thread) > maxThread {
		return nil, "", action.InvalidField("thread", "The thread has more than %d characters.", maxThread)
	}
	query := url.Values{"key": given["key"], "token": given["token"]}
	if thread != "" {
		// Without an option, the key is ignored.
		query.Set("messageReplyOption", cmp.Or(given.Get("messageReplyOption"), "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"))
	}
	u.Host, u.RawQuery = host, query.Encode()
	return u, thread, nil
}

// isWebhook reports whether a URL is that of a webhook.
func isWebhook(u *url.URL, query url.Values) bool {
	if u.Hostname() != host || u.Port() != "" && u.Port() != "443" {
		return false
	}
	return path.MatchString(u.Path) && query.Get("key") != "" && query.Get("token") != ""
}

// client sends requests to Google Chat.
type client struct{ api outbound.API }

func newClient(c *http.Client) client {
	return client{outbound.API{Name: "Google Chat", Client: c, Timeout: time.Minute, Explain: explain}}
}

// post posts a message, once: Google Chat would post a repeated request twice.
func (c client) post(ctx context.Context, address *url.URL, body []byte) error {
	once := deliver.Once{MaybeDeliveredHint: "The message may already have been posted. Check before retrying."}
	return once.Do(ctx, func(ctx context.Context) error {
		return c.api.Call(ctx, http.MethodPost, address.String(), outbound.Bytes("application/json; charset=UTF-8", body), &posted{})
	})
}

// posted is Google Chat's response to a message.
type posted struct {
	Name string `json:"name"`
}

// Validate implements what [outbound.API.Call] asks for.
func (p *posted) Validate() error {
	if p.Name == "" {
		return errors.New("the response has no message name")
	}
	return nil
}
