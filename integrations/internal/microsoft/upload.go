// Package microsoft uploads files by the upload sessions of Microsoft Graph. A file is sent in fragments, whose total is known
// before. It becomes visible only when it is complete:
// https://learn.microsoft.com/graph/api/driveitem-createuploadsession
package microsoft

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// Quantum is the number of bytes that the size of every fragment but the last is a multiple of, and MaxFragment is more than
// a fragment has: "If your app splits a file into multiple byte ranges, the size of each byte range MUST be a multiple of 320
// KiB", "less than 60 MiB".
const (
	Quantum     = 320 << 10
	MaxFragment = 60 << 20
)

// The time limits of one request. The last one is for canceling an upload whose own time is over.
const (
	statusTimeout   = 30 * time.Second
	fragmentTimeout = 4 * time.Minute
	abortTimeout    = 30 * time.Second
)

// Item is a file in a drive.
type Item struct {
	ID   string `json:"id"`
	Size int64  `json:"size"`
	File struct {
		Hashes struct {
			QuickXor string `json:"quickXorHash"`
		} `json:"hashes"`
	} `json:"file"`
}

// Session is Graph's response that starts an upload.
type Session struct {
	URL string `json:"uploadUrl"`
}

// Validate implements what [outbound.API.Call] asks for. The URL holds the permission to write, so it must use TLS.
func (s *Session) Validate() error {
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return errors.New("the response has no upload URL")
	}
	return nil
}

// ErrDone is the error after which the file may be complete, but Graph did not say so.
var ErrDone = errors.New("the session ended with the last fragment")

// Upload is the upload of one file of Total bytes.
type Upload struct {
	// Service is the destination's name in messages.
	Service string
	// API has no credentials: "Don't include the Authorization header" in requests to the upload URL.
	API     outbound.API
	Retry   deliver.Retry
	Log     *slog.Logger
	Session Session
	Total   int64

	have int64 // what Graph has confirmed
	made *Item
}

// answer is Graph's response to a fragment: what it expects next or, after the last one, the item.
type answer struct {
	Item
	Expected []string `json:"nextExpectedRanges"`
}

// Made is the file, once its last fragment was sent.
func (u *Upload) Made() *Item { return u.made }

// Send sends one fragment, and resends what is missing of it.
func (u *Upload) Send(ctx context.Context, fragment []byte) error {
	begin := u.have
	end := begin + int64(len(fragment))
	asking := false
	err := u.Retry.Do(ctx, func(ctx context.Context) error {
		if asking {
			if err := u.ask(ctx); err != nil {
				return err
			}
		}
		asking = true
		for u.made == nil && u.have < end {
			if err := u.advance(ctx, fragment, begin); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err == nil && end == u.Total && u.made == nil:
		return action.Wrap(ErrDone, action.Unavailable, "%s did not confirm the complete upload.", u.Service)
	case u.ended(err) && end == u.Total && asking:
		return action.Wrap(errors.Join(ErrDone, err), action.Unavailable, "%s did not confirm the complete upload.", u.Service)
	case u.ended(err):
		return action.Wrap(err, action.Unavailable, "%s closed the upload before it was complete. No file was written.", u.Service)
	}
	return err
}

// ended reports whether a session does not exist any more. The upload URL needs no sign-in, so that one that is not accepted has
// expired.
func (u *Upload) ended(err error) bool {
	kind := action.KindOf(err)
	return err != nil && (kind == action.NotFound || kind == action.Unauthenticated)
}

// advance sends the part of a fragment that Graph does not have yet.
func (u *Upload) advance(ctx context.Context, fragment []byte, begin int64) error {
	before := u.have
	if before < begin || before > begin+int64(len(fragment)) {
		return action.Errorf(action.Unavailable, "%s lost a part of the upload. No file was written.", u.Service)
	}
	err := u.put(ctx, fragment[before-begin:])
	if status, ok := errors.AsType[*outbound.StatusError](err); ok && status.Code == http.StatusRequestedRangeNotSatisfiable {
		err = u.ask(ctx) // Graph has the fragment already
	}
	if err == nil && u.made == nil && u.have == before {
		return action.Errorf(action.Unavailable, "%s accepted no more of the data.", u.Service)
	}
	return err
}

func (u *Upload) put(ctx context.Context, content []byte) error {
	body := outbound.Bytes("application/octet-stream", content)
	body.Header = http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", u.have, u.have+int64(len(content))-1, u.Total)}}
	return u.call(ctx, fragmentTimeout, http.MethodPut, body)
}

// ask asks what Graph has.
func (u *Upload) ask(ctx context.Context) error {
	return u.call(ctx, statusTimeout, http.MethodGet, nil)
}

func (u *Upload) call(ctx context.Context, timeout time.Duration, method string, in any) error {
	api := u.API
	api.Timeout = timeout
	var a answer
	if err := api.Call(outbound.WithDoubt(ctx, ""), method, u.Session.URL, in, &a); err != nil {
		return err
	}
	if a.ID != "" {
		u.made, u.have = &a.Item, u.Total
		return nil
	}
	have, err := expected(a.Expected, u.Total)
	if err != nil {
		return action.Wrap(err, action.Unavailable, "Unexpected response from %s.", u.Service)
	}
	u.have = have
	return nil
}

// expected reads "26-" or "26-99" as 26. Graph expects nothing more once it has everything.
func expected(ranges []string, total int64) (int64, error) {
	if len(ranges) == 0 {
		return total, nil
	}
	first, _, _ := strings.Cut(ranges[0], "-")
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil || n < 0 || n > total {
		return 0, errors.New("reading what is expected next")
	}
	return n, nil
}

// Abort cancels the upload, with a time limit of its own. Graph would otherwise keep the fragments until the session expires.
func (u *Upload) Abort(ctx context.Context) {
	api := u.API
	api.Timeout = abortTimeout
	ctx = context.WithoutCancel(ctx)
	err := api.Call(ctx, http.MethodDelete, u.Session.URL, nil, nil)
	if err != nil && !u.ended(err) {
		u.Log.WarnContext(ctx, "a failed upload could not be canceled", "error", err)
	}
}
