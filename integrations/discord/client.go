package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/webhook"
)

// timeout is long enough to upload the largest file over a slow connection.
const timeout = 10 * time.Minute

// hosts and path are those of webhook URLs.
var (
	hosts = []string{"discord.com", "ptb.discord.com", "canary.discord.com", "discordapp.com"}
	path  = regexp.MustCompile(`^/api(/v[0-9]+)?/webhooks/[0-9]+/[A-Za-z0-9_-]+$`)
)

// thread is a thread's id.
type thread string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (t *thread) UnmarshalText(text []byte) error {
	*t = thread(text)
	if strings.Trim(string(text), "0123456789") != "" {
		return errors.New("must be a number: copy the thread's ID in Discord")
	}
	return nil
}

// endpoint checks a webhook URL. With "wait", Discord responds only after it has stored the
// message; otherwise a lost message would look like a success.
func endpoint(text string, in thread) (*url.URL, error) {
	u, err := webhook.Address("url", text)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(hosts, u.Host) || !path.MatchString(u.Path) {
		return nil, action.InvalidField("url", "This is not a Discord webhook URL. Copy the URL from the channel's settings.")
	}
	query := u.Query()
	query.Set("wait", "true")
	if in != "" {
		query.Set("thread_id", string(in))
	}
	u.RawQuery = query.Encode()
	return u, nil
}

// send posts a message, once: Discord would post a repeated request twice.
func (i *Integration) send(ctx context.Context, webhookURL *url.URL, body outbound.Body, fileSize int64) error {
	once := deliver.Once{MaybeDeliveredHint: "The message may already have been posted. Check before retrying."}
	return once.Do(ctx, func(ctx context.Context) error {
		return i.api.Call(ctx, http.MethodPost, webhookURL.String(), body, &posted{size: fileSize})
	})
}

// posted is Discord's response to a message with one file.
type posted struct {
	ID          string `json:"id"`
	Attachments []struct {
		Size int64 `json:"size"`
	} `json:"attachments"`

	size int64 // of the file that was sent
}

// Validate implements what [outbound.API.Call] asks for.
func (p *posted) Validate() error {
	if p.ID == "" || len(p.Attachments) != 1 || p.Attachments[0].Size != p.size {
		return action.Errorf(action.Unavailable, "Discord did not confirm the complete upload.")
	}
	return nil
}

// tooLarge is Discord's code for a file that exceeds the server's limit
// (https://docs.discord.com/developers/topics/opcodes-and-status-codes#json).
const tooLarge = 40005

// explain adds Discord's reason for rejecting a message, or what to do about it.
func explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(status.Body, &response) // without a reason, the status has to do
	switch {
	case err.Kind == action.TooLarge || response.Code == tooLarge:
		return action.Wrap(err, action.TooLarge, "The file is too large for this Discord server. The limit is 10 MB without boosts.")
	case err.Kind == action.Unauthenticated, err.Kind == action.Forbidden, err.Kind == action.NotFound:
		return action.Wrap(err, err.Kind, "%s The webhook or the thread may have been deleted. Check the channel's settings.", err.Message).WithField("url")
	case err.Kind == action.Invalid && response.Message != "":
		return action.Wrap(err, err.Kind, "Discord answered %d: %s", status.Code, message.Line(response.Message))
	}
	return err
}
