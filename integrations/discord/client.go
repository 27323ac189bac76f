package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/pasted"
	"integrationhub.dev/integrations/internal/webhook"
)

// timeout is long enough to upload the largest file over a slow connection.
const timeout = 10 * time.Minute

// hosts are those of webhook URLs: of the two release channels of Discord's client, and of its former domain too.
var hosts = []string{
	"discord.com", "www.discord.com", "ptb.discord.com", "canary.discord.com",
	"discordapp.com", "www.discordapp.com", "ptb.discordapp.com", "canary.discordapp.com",
}

// path is that of webhook URLs. The URL that Discord's client copies has no version.
var path = regexp.MustCompile(`^/api(?:/v[0-9]+)?/webhooks/([0-9]+)/([A-Za-z0-9_-]+)/?$`)

// base is the API's version 10. Without a version, requests go to version 6, in which Retry-After is in
// milliseconds and files have other names
// (https://docs.discord.com/developers/reference#api-versioning).
const base = "https://discord.com/api/v10"

// thread is a thread's ID.
type thread string

// threadLinks are the forms in which Discord's client copies a thread: its link, whose last number is that of a message
// if there are three, and its mention.
var threadLinks = []*regexp.Regexp{
	regexp.MustCompile(`^([0-9]{1,20})$`),
	regexp.MustCompile(`^https://(?:(?:www|ptb|canary)\.)?discord(?:app)?\.com/channels/[0-9]+/([0-9]{1,20})(?:/[0-9]+)?/?$`),
	regexp.MustCompile(`^#([0-9]{1,20})$`),
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (t *thread) UnmarshalText(text []byte) error {
	given := pasted.URL(string(text))
	for _, form := range threadLinks {
		if found := form.FindStringSubmatch(given); found != nil {
			*t = thread(found[1])
			return nil
		}
	}
	return errors.New("must be a number: copy the thread's ID or link in Discord, or enter a title under Post Title to create a post")
}

// endpoint checks a webhook URL. With "wait", Discord responds only after it has stored the
// message; otherwise a lost message would look like a success.
func endpoint(in input) (*url.URL, error) {
	u, err := webhook.Address("url", in.URL)
	if err != nil {
		return nil, err
	}
	parts := path.FindStringSubmatch(u.Path)
	if parts == nil || !slices.Contains(hosts, u.Hostname()) || u.Port() != "" && u.Port() != "443" {
		return nil, action.InvalidField("url", "This is not a Discord webhook URL. Copy the URL from the channel's settings.")
	}
	thread := cmp.Or(string(in.Thread), u.Query().Get("thread_id"))
	if thread != "" && in.ThreadName != "" {
		return nil, action.InvalidField("thread_name", "A message goes either to an existing thread or to a new post. "+
			"Remove the thread ID or the post title.")
	}
	query := url.Values{"wait": {"true"}}
	if thread != "" {
		query.Set("thread_id", thread)
	}
	return url.Parse(base + outbound.Path("webhooks", parts[1], parts[2]) + "?" + query.Encode())
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
func newMessage(in input, req *action.Request, blob action.Blob) (outbound.Body, error) {
	content := object{
		"content": in.Text,
		// The text may mention users and roles, but not @everyone.
		"allowed_mentions": object{"parse": []string{"users", "roles"}},
		// An ID is a snowflake, thus a string; here it is the file's position in the form.
		"attachments": []object{{"id": "0", "filename": req.CompleteFilename()}},
	}
	if in.ThreadName != "" {
		content["thread_name"] = in.ThreadName
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
	text = action.Line(text)
	if text == "" {
		return "Looker"
	}
	if r := []rune(text); len(r) > maxTitle {
		text = string(r[:maxTitle-1]) + "…"
	}
	return text
}
