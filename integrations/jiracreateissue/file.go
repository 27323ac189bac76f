package jiracreateissue

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

// file is the data, here whole, and not too large for Jira.
type file struct {
	blob action.Blob
	name string
	mime string
}

// fetch gets the data, and asks Jira whether it takes a file of its size.
func (c *client) fetch(ctx context.Context, req *action.Request) (*file, error) {
	var limits struct {
		Enabled bool  `json:"enabled"`
		Limit   int64 `json:"uploadLimit"`
	}
	if err := c.get(ctx, c.site.endpoint("attachment", "meta"), &limits); err != nil {
		return nil, err
	}
	if !limits.Enabled {
		return nil, action.InvalidField("attachData", "This JIRA does not take attachments.")
	}
	if limits.Limit <= 0 {
		limits.Limit = math.MaxInt64
	}
	blob, err := req.Data.Spool(ctx, limits.Limit)
	if action.KindOf(err) == action.TooLarge {
		return nil, action.Wrap(err, action.TooLarge, "The data is too large: this JIRA takes attachments of up to %d bytes.", limits.Limit)
	}
	if err != nil {
		return nil, err
	}
	return &file{blob: blob, name: req.SuggestedFilename(), mime: message.MediaType(req.Data)}, nil
}

// attach adds the file to an issue. Its length is told beforehand, and Jira says what it kept,
// so that a part of it cannot pass for the whole.
func (c *client) attach(ctx context.Context, to created, data *file) error {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	_, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", data.name)},
		"Content-Type":        {data.mime},
	})
	if err != nil {
		return fmt.Errorf("preparing an attachment: %w", err)
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	size := int64(head.Len()) + data.blob.Size() + int64(len(tail))
	body := func() io.Reader {
		return io.MultiReader(bytes.NewReader(head.Bytes()), io.NewSectionReader(data.blob, 0, data.blob.Size()), bytes.NewReader([]byte(tail)))
	}
	once := deliver.Once{Name: name, Doubt: "It may be there all the same."} // no timeout: files take their time
	return once.Do(ctx, func(ctx context.Context) error {
		req, err := outbound.NewUpload(ctx, http.MethodPost, c.site.endpoint("issue", string(to.ID), "attachments").String(), size, body)
		if err != nil {
			return fmt.Errorf("preparing an attachment: %w", err)
		}
		req.Header.Set("Content-Type", form.FormDataContentType())
		req.Header.Set("X-Atlassian-Token", "no-check") // or Jira takes it for a forged request
		var kept []struct {
			Size int64 `json:"size"`
		}
		if err := c.send(req, &kept); err != nil {
			return err
		}
		if len(kept) != 1 || kept[0].Size != data.blob.Size() {
			return errNotUnderstood
		}
		return nil
	})
}
