package discord

import (
	"encoding/json"
	"fmt"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

type object = map[string]any

// maxTitle is how many characters an embed's title may have
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
