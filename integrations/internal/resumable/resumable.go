// Package resumable uploads files by the protocol that Google's APIs share. A file of unknown
// length goes in pieces; it can be asked how much has arrived, and appears only once all of it
// has:
// https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
// https://cloud.google.com/storage/docs/performing-resumable-uploads
package resumable

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// Quantum is what the size of every piece but the last must be a multiple of, in bytes.
const Quantum = 256 << 10

// What bounds one call. The last is for taking back an upload, whose own time may be over.
const (
	beginTimeout = 30 * time.Second
	pieceTimeout = 4 * time.Minute
	abortTimeout = 30 * time.Second
)

// Caller prepares an authorized call, has it made by do, and returns do's error in the words
// that its service has for it. It may have the call made twice, with another access token.
type Caller func(ctx context.Context, timeout time.Duration, method, address string, header http.Header, body []byte, do func(*http.Request) error) error

// Upload is one file on its way. Its methods try again what fails for the moment.
type Upload struct {
	// Service is what people call the destination.
	Service string
	HTTP    *http.Client
	Call    Caller
	Retry   deliver.Retry
	Log     *slog.Logger
	// Method begins the session; POST unless set, PATCH for a new version of a file.
	Method string
	// Last goes with the calls that complete the upload.
	Last http.Header

	address string
	// have is how many bytes Google is known to have.
	have int64
	made json.RawMessage
}

// Begin opens a session for a file of a media type, which metadata describes as the service's
// API says. A second one, after an answer that was lost, does no harm.
func (u *Upload) Begin(ctx context.Context, address string, metadata any, mediaType string) error {
	body, err := json.Marshal(metadata)
	if err != nil {
		return fmt.Errorf("encoding a call: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json; charset=UTF-8"}}
	if mediaType != "" {
		header.Set("X-Upload-Content-Type", mediaType)
	}
	return u.Retry.Do(ctx, func(ctx context.Context) error {
		return u.Call(ctx, beginTimeout, cmp.Or(u.Method, http.MethodPost), address, header, body, func(req *http.Request) error {
			res, err := outbound.Do(u.HTTP, req, u.Service)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			session, err := res.Location()
			// The access token goes along, and must go nowhere else.
			if err != nil || !trusted(session, req.URL) {
				return u.notUnderstood(err)
			}
			u.address = session.String()
			return nil
		})
	})
}

// trusted reports whether a session is Google's, or at the address that was asked for it.
func trusted(session, asked *url.URL) bool {
	return session.Scheme == "https" && strings.HasSuffix(session.Hostname(), ".googleapis.com") ||
		session.Scheme == asked.Scheme && session.Host == asked.Host
}

func (u *Upload) notUnderstood(err error) error {
	return action.Wrap(err, action.Unavailable, "Unexpected response from %s.", u.Service)
}

// Send sends one piece, and what is missing of it again. With the last one, which alone may
// have any size, the file is made.
func (u *Upload) Send(ctx context.Context, piece []byte, last bool) error {
	begin := u.have
	end := begin + int64(len(piece))
	total := "*"
	if last {
		total = strconv.FormatInt(end, 10)
	}
	asking := false
	err := u.Retry.Do(ctx, func(ctx context.Context) error {
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
		return action.Wrap(err, action.Unavailable, "%s ended the upload before it was complete. No file was written.", u.Service)
	case last && (kind == action.Unavailable || kind == action.Timeout):
		return action.Wrap(err, kind, "%s The file may have been written all the same: look before sending it again.", action.MessageOf(err))
	}
	return err
}

// Made is what the service says of the file that was made, as JSON.
func (u *Upload) Made() json.RawMessage { return u.made }

// advance sends what Google does not have of a piece.
func (u *Upload) advance(ctx context.Context, piece []byte, begin int64, total string) error {
	before := u.have
	if before < begin || before > begin+int64(len(piece)) {
		return action.Errorf(action.Internal, "%s lost a part of the upload.", u.Service)
	}
	if err := u.put(ctx, piece[before-begin:], total); err != nil {
		return err
	}
	if u.made == nil && u.have == before {
		return action.Errorf(action.Unavailable, "%s took no more of the data.", u.Service)
	}
	return nil
}

// statusIncomplete is how Google says that it wants more.
const statusIncomplete = 308

// put sends content from where Google is, or, without any, asks where that is.
func (u *Upload) put(ctx context.Context, content []byte, total string) error {
	span := "*"
	if len(content) > 0 {
		span = fmt.Sprintf("%d-%d", u.have, u.have+int64(len(content))-1)
	}
	header := http.Header{"Content-Range": {"bytes " + span + "/" + total}}
	if total != "*" {
		maps.Copy(header, u.Last)
	}
	return u.Call(ctx, pieceTimeout, http.MethodPut, u.address, header, content, func(req *http.Request) error {
		var made json.RawMessage
		req = req.WithContext(outbound.WithDoubt(req.Context(), "")) // Send adds its own
		err := outbound.JSON(u.HTTP, req, u.Service, &made)
		if status, ok := errors.AsType[*outbound.StatusError](err); ok && status.Code == statusIncomplete {
			if u.have, err = received(status.Header.Get("Range")); err != nil {
				return u.notUnderstood(err)
			}
			return nil
		}
		if err == nil {
			u.made = made
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

// Abort takes the upload back, which needs its own time. Google would keep it for a week,
// though nobody sees it.
func (u *Upload) Abort(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	err := u.Call(ctx, abortTimeout, http.MethodDelete, u.address, http.Header{}, nil, func(req *http.Request) error {
		return outbound.JSON(u.HTTP, req, u.Service, nil)
	})
	// 499 is the answer to an upload that was taken back.
	if status, ok := errors.AsType[*outbound.StatusError](err); err != nil && (!ok || status.Code/100 == 5) {
		u.Log.WarnContext(ctx, "an upload that failed is left at the destination", "error", err)
	}
}
