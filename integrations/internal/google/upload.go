package google

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/chunk"
	"integrationhub.dev/integrations/internal/google/resumable"
)

// chunkSize is the size of an upload's chunks, one of which is in memory.
const chunkSize = 16 << 20

// Upload creates a file. It creates none if the data breaks off.
func (c *Client) Upload(ctx context.Context, f File, mediaType string, data io.Reader) error {
	u := &resumable.Upload{Service: c.Name, Call: c.withAPI, Retry: c.Writes, Log: c.Log}
	sum, err := c.send(ctx, u, uploadURL, f, mediaType, data)
	if err != nil {
		return err
	}
	id, same, err := c.verify(u.Made(), sum)
	if err != nil || same {
		return err
	}
	damaged := action.Errorf(action.Unavailable, "The data was corrupted in transit to %s.", c.Name)
	if removed := c.Remove(ctx, id); removed != nil {
		damaged.Message += " The corrupted file could not be removed."
	}
	return damaged
}

// Replace creates a new version of a file, which becomes visible when it is complete. Drive keeps the previous one for
// thirty days.
func (c *Client) Replace(ctx context.Context, id, mediaType string, data io.Reader) error {
	u := &resumable.Upload{Service: c.Name, Call: c.withAPI, Retry: c.Writes, Log: c.Log, Method: http.MethodPatch}
	sum, err := c.send(ctx, u, uploadURL+"/"+url.PathEscape(id), struct{}{}, mediaType, data)
	if err != nil {
		return err
	}
	_, same, err := c.verify(u.Made(), sum)
	if err == nil && !same {
		err = action.Errorf(action.Unavailable, "The data was corrupted in transit to %s. The previous version of the file is kept "+
			"there.", c.Name)
	}
	return err
}

// send uploads the data and returns its checksum. It cancels a failed upload.
func (c *Client) send(
	ctx context.Context, u *resumable.Upload, address string, metadata any, mediaType string, data io.Reader,
) (hash.Hash, error) {
	pieces := chunk.NewReader(data, c.Chunk)
	piece, last, err := pieces.Next()
	if err != nil {
		return nil, fmt.Errorf("reading the data: %w", err)
	}
	query := url.Values{"uploadType": {"resumable"}, "supportsAllDrives": {"true"}, "fields": {"id,sha256Checksum"}}
	if err := u.Begin(ctx, address+"?"+query.Encode(), metadata, mediaType); err != nil {
		return nil, err
	}
	sum := sha256.New()
	for {
		sum.Write(piece)
		if err := u.Send(ctx, piece, last); err != nil {
			u.Abort(ctx)
			return nil, err
		}
		if last {
			return sum, nil
		}
		if piece, last, err = pieces.Next(); err != nil {
			u.Abort(ctx)
			return nil, fmt.Errorf("reading the data: %w", err)
		}
	}
}

func (s *Service) notUnderstood() error {
	return action.Errorf(action.Unavailable, "Unexpected response from %s.", s.Name)
}

// verify compares Drive's checksum of the file with that of the data, and returns the file's ID. Drive may omit the
// checksum.
func (c *Client) verify(answer json.RawMessage, sum hash.Hash) (id string, same bool, err error) {
	var made struct {
		ID  string `json:"id"`
		Sum string `json:"sha256Checksum"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return "", false, action.Wrap(err, action.Unavailable, "Unexpected response from %s.", c.Name)
	}
	return made.ID, made.Sum == "" || made.Sum == hex.EncodeToString(sum.Sum(nil)), nil
}
