package google

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/chunk"
)

// chunkSize is the size of an upload's pieces; one is held at a time.
const chunkSize = 16 << 20

// abortTimeout is for taking back an upload, whose own time may be over.
const abortTimeout = 30 * time.Second

// upload is a resumable upload, which can be asked how much of it has arrived. The file
// appears only once all of it has:
// https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
type upload struct {
	*Client
	address string
	sum     hash.Hash
	// have is how many bytes Google is known to have.
	have int64
	made *made
}

// made is what Drive says of a file that was made. The sum may be missing.
type made struct {
	ID  string `json:"id"`
	Sum string `json:"sha256Checksum"`
}

// Upload makes a file. It is not made when data breaks off.
func (c *Client) Upload(ctx context.Context, f File, mediaType string, data io.Reader) error {
	pieces := chunk.NewReader(data, c.Chunk)
	piece, last, err := pieces.Next()
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	u := &upload{Client: c, sum: sha256.New()}
	if err := u.begin(ctx, f, mediaType); err != nil {
		return err
	}
	for {
		if err := u.send(ctx, piece, last); err != nil {
			u.abort(ctx)
			return err
		}
		if last {
			return u.verify(ctx)
		}
		if piece, last, err = pieces.Next(); err != nil {
			u.abort(ctx)
			return fmt.Errorf("reading the data: %w", err)
		}
	}
}

// begin opens a session. A second one, after an answer that was lost, does no harm.
func (u *upload) begin(ctx context.Context, f File, mediaType string) error {
	body, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encoding a call: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json; charset=UTF-8"}, "X-Upload-Content-Type": {mediaType}}
	query := url.Values{"uploadType": {"resumable"}, "supportsAllDrives": {"true"}, "fields": {"id,sha256Checksum"}}
	return u.Writes.Do(ctx, func(ctx context.Context) error {
		return u.authorized(ctx, readTimeout, http.MethodPost, uploadURL+"?"+query.Encode(), header, body, func(req *http.Request) error {
			res, err := outbound.Do(u.HTTP, req, u.Name)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			session, err := res.Location()
			// The access token goes along, and must go nowhere else.
			if err != nil || session.Scheme != "https" || !strings.HasSuffix(session.Hostname(), ".googleapis.com") {
				return u.notUnderstood()
			}
			u.address = session.String()
			return nil
		})
	})
}

func (s *Service) notUnderstood() error {
	return action.Errorf(action.Unavailable, "%s sent an answer that the hub does not understand.", s.Name)
}

// send sends one piece, and what is missing of it again.
func (u *upload) send(ctx context.Context, piece []byte, last bool) error {
	u.sum.Write(piece)
	begin := u.have
	end := begin + int64(len(piece))
	total := "*"
	if last {
		total = strconv.FormatInt(end, 10)
	}
	asking := false
	err := u.Writes.Do(ctx, func(ctx context.Context) error {
		if asking {
			if err := u.put(ctx, nil, total); err != nil {
				return err
			}
		}
		asking = true
		for u.made == nil && (last || u.have < end) {
			if err := u.advance(ctx, piece, begin, total); err != nil {
				return err
			}
		}
		return nil
	})
	switch kind := action.KindOf(err); {
	case kind == action.NotFound:
		return action.Wrap(err, action.Unavailable, "%s ended the upload before it was complete. No file was written.", u.Name)
	case last && (kind == action.Unavailable || kind == action.Timeout):
		return action.Wrap(err, kind, "%s The file may have been written all the same: look before sending it again.", action.MessageOf(err))
	}
	return err
}

// advance sends what Google does not have of a piece.
func (u *upload) advance(ctx context.Context, piece []byte, begin int64, total string) error {
	before := u.have
	if before < begin || before > begin+int64(len(piece)) {
		return action.Errorf(action.Internal, "%s lost a part of the upload.", u.Name)
	}
	if err := u.put(ctx, piece[before-begin:], total); err != nil {
		return err
	}
	if u.made == nil && u.have == before {
		return action.Errorf(action.Unavailable, "%s took no more of the data.", u.Name)
	}
	return nil
}

// statusIncomplete is how Google says that it wants more.
const statusIncomplete = 308

// put sends content from where Google is, or, without any, asks where that is.
func (u *upload) put(ctx context.Context, content []byte, total string) error {
	span := "*"
	if len(content) > 0 {
		span = fmt.Sprintf("%d-%d", u.have, u.have+int64(len(content))-1)
	}
	header := http.Header{"Content-Range": {"bytes " + span + "/" + total}}
	return u.authorized(ctx, writeTimeout, http.MethodPut, u.address, header, content, func(req *http.Request) error {
		var m made
		err := outbound.JSON(u.HTTP, req, u.Name, &m)
		if status, ok := errors.AsType[*outbound.StatusError](err); ok && status.Code == statusIncomplete {
			u.have, err = received(status.Header.Get("Range"))
			if err != nil {
				return action.Wrap(err, action.Unavailable, "%s sent an answer that the hub does not understand.", u.Name)
			}
			return nil
		}
		if err == nil {
			u.made = &m
		}
		return err
	})
}

// received reads "bytes=0-41" as 42; without a header nothing has arrived.
func received(header string) (int64, error) {
	if header == "" {
		return 0, nil
	}
	last, ok := strings.CutPrefix(header, "bytes=0-")
	n, err := strconv.ParseInt(last, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0, errors.New("reading how much has arrived")
	}
	return n + 1, nil
}

// verify compares what Drive has with what was sent.
func (u *upload) verify(ctx context.Context) error {
	if u.made.Sum == "" || u.made.Sum == hex.EncodeToString(u.sum.Sum(nil)) {
		return nil
	}
	err := action.Errorf(action.Unavailable, "The data was damaged on its way to %s.", u.Name)
	if removed := u.Remove(ctx, u.made.ID); removed != nil {
		err.Message += " The damaged file could not be removed."
	}
	return err
}

// abort takes the upload back, which needs its own time. Google would keep it for a week,
// though nobody sees it.
func (u *upload) abort(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	err := u.authorized(ctx, abortTimeout, http.MethodDelete, u.address, http.Header{}, nil, func(req *http.Request) error {
		return outbound.JSON(u.HTTP, req, u.Name, nil)
	})
	// 499 is the answer to an upload that was taken back.
	if status, ok := errors.AsType[*outbound.StatusError](err); err != nil && (!ok || status.Code/100 == 5) {
		u.Log.WarnContext(ctx, "an upload that failed is left at the destination", "error", err)
	}
}
