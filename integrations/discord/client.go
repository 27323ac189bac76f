package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// client sends requests to Discord.
type client struct{ api outbound.API }

func newClient(c *http.Client) client {
	return client{outbound.API{Name: "Discord", Client: c, Timeout: timeout, Explain: explain}}
}

// send posts a message, once: Discord would post a repeated request twice.
func (c client) send(ctx context.Context, webhookURL *url.URL, body outbound.Body, fileSize int64) error {
	once := deliver.Once{MaybeDeliveredHint: "The message may already have been posted. Check before retrying."}
	return once.Do(ctx, func(ctx context.Context) error {
		return c.api.Call(ctx, http.MethodPost, webhookURL.String(), body, &posted{size: fileSize})
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

type object = map[string]any

// maxTitle is the maximum number of characters in the title of an embed
// (https://docs.discord.com/developers/resources/message#embed-object-embed-limits).
const maxTitle = 256

// newMessage encodes a message with a file
// (https://docs.discord.com/developers/reference#uploading-files).
func newMessage(text string, req *action.Request, blob action.Blob) (outbound.Body, error) {
	content := object{
		"content": text,
		// The text may mention users and roles, but not @everyone.
		"allowed_mentions": object{"parse": []string{"users", "roles"}},
		"attachments":      []object{{"id": 0, "filename": req.CompleteFilename()}},
	}
	if link := message.Link(req.Plan.URL); link != "" {
		content["embeds"] = []object{{"title": title(req.Plan.Title), "url": link, "description": "View in Looker"}}
	}
	payload, err := json.Marshal(content)
	if err != nil {
		return outbound.Body{}, fmt.Errorf("encoding a message: %w", err)
	}
	file := outbound.File{Field: "files[0]", Name: req.CompleteFilename(), ContentType: message.MediaType(req.Data), Blob: blob}
	return outbound.Multipart(file, map[string]string{"payload_json": string(payload)})
}

func title(text string) string {
	text = message.Line(text)
	if text == "" {
		return "Looker"
	}
	if r := []rune(text); len(r) > maxTitle {
		text = string(r[:maxTitle-1]) + "…"
	}
	return text
}
