package jiracreateissue

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

// file is the whole data, which does not exceed Jira's limit.
type file struct {
	blob action.Blob
	name string
	mime string
}

// fetch reads the data, after asking Jira for the largest attachment that it accepts.
func (c *client) fetch(ctx context.Context, req *action.Request) (*file, error) {
	var limits struct {
		Enabled bool  `json:"enabled"`
		Limit   int64 `json:"uploadLimit"`
	}
	if err := c.get(ctx, c.site.path("attachment", "meta"), &limits); err != nil {
		return nil, err
	}
	if !limits.Enabled {
		return nil, action.InvalidField("attachData", "This JIRA server does not allow attachments.")
	}
	if limits.Limit <= 0 {
		limits.Limit = math.MaxInt64
	}
	blob, err := req.Data.Spool(ctx, limits.Limit)
	if action.KindOf(err) == action.TooLarge {
		return nil, action.Wrap(err, action.TooLarge, "The data is too large. This JIRA server allows attachments of up to %d "+
			"bytes.", limits.Limit)
	}
	if err != nil {
		return nil, err
	}
	return &file{blob: blob, name: req.SuggestedFilename(), mime: message.MediaType(req.Data)}, nil
}

// attach adds the file to an issue. The size is announced, and Jira reports the size that it
// stored, so that an incomplete upload is not taken for a complete one.
func (c *client) attach(ctx context.Context, to created, data *file) error {
	body, err := outbound.Multipart(outbound.File{Field: "file", Name: data.name, ContentType: data.mime, Blob: data.blob}, nil)
	if err != nil {
		return err
	}
	body.Header = http.Header{"X-Atlassian-Token": {"no-check"}} // otherwise Jira rejects it as a forged request
	api := c.api(0)                                              // large files take their time
	once := deliver.Once{MaybeDeliveredHint: "The file may already be attached."}
	return once.Do(ctx, func(ctx context.Context) error {
		return api.Call(ctx, http.MethodPost, c.site.path("issue", string(to.ID), "attachments"), body, &attached{size: data.blob.Size()})
	})
}

// attached is Jira's response to an attachment.
type attached struct {
	files []struct {
		Size int64 `json:"size"`
	}
	size int64 // of the file that was sent
}

// UnmarshalJSON implements [json.Unmarshaler].
func (a *attached) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &a.files) }

// Validate implements what [outbound.API.Call] asks for.
func (a *attached) Validate() error {
	if len(a.files) != 1 || a.files[0].Size != a.size {
		return errors.New("the response does not confirm the whole file")
	}
	return nil
}
