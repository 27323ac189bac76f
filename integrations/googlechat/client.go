package googlechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/plaintext"
	"integrationhub.dev/integrations/internal/webhook"
)

const (
	name    = "Google Chat"
	host    = "chat.googleapis.com"
	timeout = time.Minute
)

// path is where the webhooks of spaces live.
var path = regexp.MustCompile(`^/v1/spaces/[^/]+/messages$`)

// endpoint checks a webhook's address and adds the thread to it
// (https://developers.google.com/workspace/chat/quickstart/webhooks#start-reply-thread).
func endpoint(text, thread string) (*url.URL, error) {
	u, err := webhook.Address("url", text)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	if u.Host != host || !path.MatchString(u.Path) || query.Get("key") == "" || query.Get("token") == "" {
		return nil, action.InvalidField("url", "This is no webhook of Google Chat: copy the whole address from the space's webhooks.")
	}
	if thread = strings.TrimSpace(thread); thread != "" {
		query.Set("threadKey", thread)
		query.Set("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD")
		u.RawQuery = query.Encode()
	}
	return u, nil
}

// post posts a message, once: Google Chat posts what it is sent twice twice.
func (i *Integration) post(ctx context.Context, address *url.URL, body []byte) error {
	once := deliver.Once{Name: name, Timeout: timeout, Doubt: "The message may have been posted all the same: look before sending it again."}
	return once.Do(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("preparing a message: %w", err)
		}
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
		var posted struct {
			Name string `json:"name"`
		}
		if err := outbound.JSON(i.http, req, name, &posted); err != nil {
			return explain(err, address.Query())
		}
		if posted.Name == "" {
			return outbound.Unexpected(req, errNoName, name)
		}
		return nil
	})
}

// errNoName says that an answer names no message.
var errNoName = errors.New("the answer has no name")

// explain adds to a refusal what Google Chat says of it, or what can be done about it.
func explain(err error, secrets url.Values) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	kind := action.KindOf(err)
	switch kind {
	case action.Unauthenticated, action.Forbidden, action.NotFound:
		e := action.Wrap(err, kind, "%s The webhook may have been deleted: look in the space's webhooks.", action.MessageOf(err))
		e.Fields = map[string]string{"url": e.Message}
		return e
	case action.Invalid:
	default:
		return err
	}
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &answer) != nil || answer.Error.Message == "" {
		return err
	}
	reason := plaintext.Line(answer.Error.Message)
	for _, name := range []string{"key", "token"} {
		reason = strings.ReplaceAll(reason, secrets.Get(name), "…")
	}
	return action.Wrap(err, kind, "Google Chat answered %d: %s", status.Code, reason)
}
