// Package resumable uploads files by the resumable upload protocol of Google's APIs. A file of
// unknown length is sent in chunks. The service reports how much it has received, and the file
// becomes visible only when it is complete:
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

// Quantum is the number of bytes that the size of every chunk but the last is a multiple of.
const Quantum = 256 << 10

// The time limits of one request. The last one is for canceling an upload whose own time is over.
const (
	beginTimeout = 30 * time.Second
	pieceTimeout = 4 * time.Minute
	abortTimeout = 30 * time.Second
)

// Caller calls f with the API of a service, with credentials. It may call f twice, with another
// access token.
type Caller func(ctx context.Context, f func(ctx context.Context, api outbound.API) error) error

// Upload is the upload of one file. Its methods retry temporary failures.
type Upload struct {
	// Service is the destination's name in messages.
	Service string
	Call    Caller
	Retry   deliver.Retry
	Log     *slog.Logger
	// Method starts the session: POST if empty, PATCH for a new version of a file.
	Method string
	// Last is added to the header of the requests that complete the upload.
	Last http.Header

	session string // its URL
	// have is the number of bytes that Google has confirmed.
	have int64
	made json.RawMessage
}

// Begin starts a session for a file of a media type. The metadata is in the service's format.
// Repeating the request after a lost response does no harm.
func (u *Upload) Begin(ctx context.Context, path string, metadata any, mediaType string) error {
	text, err := json.Marshal(metadata)
	if err != nil {
		return fmt.Errorf("encoding the metadata: %w", err)
	}
	body := outbound.Bytes("application/json; charset=UTF-8", text)
	if mediaType != "" {
		body.Header = http.Header{"X-Upload-Content-Type": {mediaType}}
	}
	return u.Retry.Do(ctx, func(ctx context.Context) error {
		return u.Call(ctx, func(ctx context.Context, api outbound.API) error {
			api.Timeout = beginTimeout
			var head outbound.Head
			if err := api.Call(ctx, cmp.Or(u.Method, http.MethodPost), path, body, &head); err != nil {
				return err
			}
			session, err := sessionURL(api.Base+path, head.Header.Get("Location"))
			if err != nil {
				return u.unexpected(err)
			}
			u.session = session
			return nil
		})
	})
}

// sessionURL checks the URL of a session: the access token is sent there, so it must be Google's,
// or on the host that the session was requested from.
func sessionURL(requested, location string) (string, error) {
	asked, err := url.Parse(requested)
	if err != nil {
		return "", errors.New("the request has no valid URL")
	}
	session, err := asked.Parse(location)
	switch {
	case err != nil || location == "":
		return "", errors.New("the response has no session")
	case session.Scheme == "https" && strings.HasSuffix(session.Hostname(), ".googleapis.com"),
		session.Scheme == asked.Scheme && session.Host == asked.Host:
		return session.String(), nil
	}
	return "", errors.New("the session belongs to another host")
}

func (u *Upload) unexpected(err error) error {
	return action.Wrap(err, action.Unavailable, "Unexpected response from %s.", u.Service)
}

// Send sends one chunk, and resends what is missing of it. The last one, which alone may have any
// size, creates the file.
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
		return action.Wrap(err, action.Unavailable, "%s closed the upload before it was complete. No file was written.", u.Service)
	case last && (kind == action.Unavailable || kind == action.Timeout):
		return action.Wrap(err, kind, "%s The file may already have been written. Check before retrying.", action.MessageOf(err))
	}
	return err
}

// Made is the service's response to the complete file, as JSON.
func (u *Upload) Made() json.RawMessage { return u.made }

// advance sends the part of a chunk that Google does not have yet.
func (u *Upload) advance(ctx context.Context, piece []byte, begin int64, total string) error {
	before := u.have
	if before < begin || before > begin+int64(len(piece)) {
		return action.Errorf(action.Internal, "%s lost a part of the upload.", u.Service)
	}
	if err := u.put(ctx, piece[before-begin:], total); err != nil {
		return err
	}
	if u.made == nil && u.have == before {
		return action.Errorf(action.Unavailable, "%s accepted no more of the data.", u.Service)
	}
	return nil
}

// statusIncomplete is the status of an upload that is not complete.
const statusIncomplete = 308

// put sends content at the current offset. Without content, it asks for the offset.
func (u *Upload) put(ctx context.Context, content []byte, total string) error {
	span := "*"
	if len(content) > 0 {
		span = fmt.Sprintf("%d-%d", u.have, u.have+int64(len(content))-1)
	}
	body := outbound.Bytes("", content)
	body.Header = http.Header{"Content-Range": {"bytes " + span + "/" + total}}
	if total != "*" {
		maps.Copy(body.Header, u.Last)
	}
	return u.Call(ctx, func(ctx context.Context, api outbound.API) error {
		api.Base, api.Timeout = "", pieceTimeout
		var made json.RawMessage
		err := api.Call(outbound.WithDoubt(ctx, ""), http.MethodPut, u.session, body, &made) // Send adds its own hint
		if status, ok := errors.AsType[*outbound.StatusError](err); ok && status.Code == statusIncomplete {
			if u.have, err = received(status.Header.Get("Range")); err != nil {
				return u.unexpected(err)
			}
			return nil
		}
		if err == nil {
			u.made = made
		}
		return err
	})
}

// received reads "bytes=0-41" as 42. Without a header, nothing was received.
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

// Abort cancels the upload, with a time limit of its own. Google would otherwise keep the
// incomplete data, which is not visible, for a week.
func (u *Upload) Abort(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	err := u.Call(ctx, func(ctx context.Context, api outbound.API) error {
		api.Base, api.Timeout = "", abortTimeout
		return api.Call(ctx, http.MethodDelete, u.session, nil, nil)
	})
	// The status is 499 if the upload was canceled.
	if status, ok := errors.AsType[*outbound.StatusError](err); err != nil && (!ok || status.Code/100 == 5) {
		u.Log.WarnContext(ctx, "a failed upload could not be removed", "error", err)
	}
}
