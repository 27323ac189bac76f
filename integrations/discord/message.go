package discord

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
)

// post is a message with a file, as the body of a request: what is before the file, the
// file, and what is after it.
type post struct {
	head, tail  []byte
	contentType string
	blob        action.Blob
}

type object = map[string]any

// maxTitle is how many characters an embed's title may have
// (https://docs.discord.com/developers/resources/message#embed-object-embed-limits).
const maxTitle = 256

// newPost puts a message together
// (https://docs.discord.com/developers/reference#uploading-files).
func newPost(text string, req *action.Request, blob action.Blob) (*post, error) {
	content := object{
		"content": text,
		// Whoever writes the text may call people, but not everybody at once.
		"allowed_mentions": object{"parse": []string{"users", "roles"}},
		"attachments":      []object{{"id": 0, "filename": req.CompleteFilename()}},
	}
	if link := message.Link(req.Plan.URL); link != "" {
		content["embeds"] = []object{{"title": title(req.Plan.Title), "url": link, "description": "View in Looker"}}
	}
	about, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("encoding a message: %w", err)
	}
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	if err := form.WriteField("payload_json", string(about)); err != nil {
		return nil, fmt.Errorf("preparing a message: %w", err)
	}
	_, err = form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("files[0]", req.CompleteFilename())},
		"Content-Type":        {message.MediaType(req.Data)},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing a file: %w", err)
	}
	return &post{head.Bytes(), []byte("\r\n--" + form.Boundary() + "--\r\n"), form.FormDataContentType(), blob}, nil
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

func (m *post) size() int64 { return int64(len(m.head)) + m.blob.Size() + int64(len(m.tail)) }

func (m *post) reader() io.Reader {
	return io.MultiReader(bytes.NewReader(m.head), io.NewSectionReader(m.blob, 0, m.blob.Size()), bytes.NewReader(m.tail))
}
