package googlechat

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/webhook"
)

const host = "chat.googleapis.com"

// path is that of webhook URLs.
var path = regexp.MustCompile(`^/v1/spaces/[^/]+/messages$`)

// endpoint checks a webhook URL and adds the thread to it
// (https://developers.google.com/workspace/chat/quickstart/webhooks#start-reply-thread).
func endpoint(text, thread string) (*url.URL, error) {
	u, err := webhook.Address("url", text)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	if u.Host != host || !path.MatchString(u.Path) || query.Get("key") == "" || query.Get("token") == "" {
		return nil, action.InvalidField("url", "This is not a Google Chat webhook URL. Copy the complete URL from the space's webhooks.")
	}
	if thread = strings.TrimSpace(thread); thread != "" {
		query.Set("threadKey", thread)
		query.Set("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD")
		u.RawQuery = query.Encode()
	}
	return u, nil
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
