package slack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// maxFile is the size of the largest file that Slack accepts
// (https://slack.com/help/articles/201330736-Add-files-to-Slack).
const maxFile = 1 << 30

// upload uploads a file. It is not visible before it is shared, so the upload is retried from the
// start after temporary errors.
func (c *Client) upload(ctx context.Context, blob action.Blob, filename string) (slack.FileSummary, error) {
	return retryIdempotent(ctx, func(ctx context.Context) (slack.FileSummary, error) {
		target, err := c.uploadURL(ctx, filename, blob.Size())
		if err != nil {
			return slack.FileSummary{}, err
		}
		if err := c.send(ctx, target.UploadURL, blob); err != nil {
			return slack.FileSummary{}, err
		}
		return slack.FileSummary{ID: target.FileID, Title: filename}, nil
	})
}

// uploadURL requests the URL for a file of a size.
func (c *Client) uploadURL(ctx context.Context, filename string, size int64) (*slack.GetUploadURLExternalResponse, error) {
	ctx, cancel := withCallTimeout(ctx)
	defer cancel()
	target, err := c.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: filename, FileSize: int(size)})
	if err == nil && (target.UploadURL == "" || target.FileID == "") {
		return nil, errUnexpected
	}
	return target, err
}

// send uploads the bytes. The library's own upload is not used: it ends the body normally when its
// reader fails, so that a truncated file looks complete, and it sends the token, which the URL
// does not need.
func (c *Client) send(ctx context.Context, address string, blob action.Blob) error {
	u, err := url.Parse(address)
	if err != nil {
		return errUnexpected // its error quotes the address, which is a secret
	}
	if !c.domain.has(u) {
		return action.Errorf(action.Forbidden, "The upload URL does not belong to Slack. The file was not sent.")
	}
	var body atomic.Pointer[source] // the one that was read last
	open := func() io.Reader {
		body.Store(&source{r: io.NewSectionReader(blob, 0, blob.Size())})
		return body.Load()
	}
	api := outbound.API{Name: name, Client: c.http}
	upload := outbound.Body{ContentType: "application/octet-stream", Size: blob.Size(), Open: open}
	// The response only says "OK".
	if err := api.Call(ctx, http.MethodPost, u.String(), upload, nil); err != nil {
		return fmt.Errorf("uploading the file: %w", withRetryAfter(err))
	}
	if body.Load().n.Load() != blob.Size() {
		return action.Errorf(action.Unavailable, "Slack responded before it had received the whole file.")
	}
	return nil
}

// has reports whether a URL is on a host of this Slack, whose uploads go to files.slack.com
// (https://docs.slack.dev/messaging/working-with-files). The file is sent nowhere else, whatever
// the egress policy allows.
func (d domain) has(u *url.URL) bool {
	return u.Scheme == "https" && u.User == nil && (u.Port() == "" || u.Port() == "443") &&
		strings.HasSuffix(strings.ToLower(u.Hostname()), "."+string(d))
}

// isSlackHost reports whether a URL is on a host of any Slack.
func isSlackHost(u *url.URL) bool { return commercial.has(u) || government.has(u) }

// source is a file that the HTTP client reads on its own goroutine. It counts the bytes, and gives
// the hub's own read errors a kind, since they would look like connection errors.
type source struct {
	r io.Reader
	n atomic.Int64
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n.Add(int64(n))
	if err != nil && err != io.EOF { //nolint:errorlint // as the contract of io.Reader has it
		err = action.Wrap(err, action.Internal, "The hub could not read the data that it had fetched.")
	}
	return n, err
}
