package google

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/url"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/chunk"
	"integrationhub.dev/integrations/internal/resumable"
)

// chunkSize is the size of an upload's pieces; one is held at a time.
const chunkSize = 16 << 20

// Upload makes a file. It is not made when data breaks off.
func (c *Client) Upload(ctx context.Context, f File, mediaType string, data io.Reader) error {
	pieces := chunk.NewReader(data, c.Chunk)
	piece, last, err := pieces.Next()
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	u := &resumable.Upload{Service: c.Name, HTTP: c.HTTP, Call: c.authorized, Retry: c.Writes, Log: c.Log}
	query := url.Values{"uploadType": {"resumable"}, "supportsAllDrives": {"true"}, "fields": {"id,sha256Checksum"}}
	if err := u.Begin(ctx, uploadURL+"?"+query.Encode(), f, mediaType); err != nil {
		return err
	}
	sum := sha256.New()
	for {
		sum.Write(piece)
		if err := u.Send(ctx, piece, last); err != nil {
			u.Abort(ctx)
			return err
		}
		if last {
			return c.verify(ctx, u.Made(), sum)
		}
		if piece, last, err = pieces.Next(); err != nil {
			u.Abort(ctx)
			return fmt.Errorf("reading the data: %w", err)
		}
	}
}

func (s *Service) notUnderstood() error {
	return action.Errorf(action.Unavailable, "%s sent an answer that the hub does not understand.", s.Name)
}

// verify compares what Drive says of the file that was made with what was sent. Drive may
// not say the sum.
func (c *Client) verify(ctx context.Context, answer json.RawMessage, sum hash.Hash) error {
	var made struct {
		ID  string `json:"id"`
		Sum string `json:"sha256Checksum"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return action.Wrap(err, action.Unavailable, "%s sent an answer that the hub does not understand.", c.Name)
	}
	if made.Sum == "" || made.Sum == hex.EncodeToString(sum.Sum(nil)) {
		return nil
	}
	err := action.Errorf(action.Unavailable, "The data was damaged on its way to %s.", c.Name)
	if removed := c.Remove(ctx, made.ID); removed != nil {
		err.Message += " The damaged file could not be removed."
	}
	return err
}
