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

// maxFile is the size of the largest file that Slack takes
// (https://slack.com/help/articles/201330736-Add-files-to-Slack).
const maxFile = 1 << 30

// upload brings a file to Slack, where nobody sees it before it is shared. It is therefore
// tried again, from the start, after whatever may pass.
func (c *Client) upload(ctx context.Context, blob action.Blob, filename string) (slack.FileSummary, error) {
	return repeat(ctx, func(ctx context.Context) (slack.FileSummary, error) {
		ticket, err := c.ticket(ctx, filename, blob.Size())
		if err != nil {
			return slack.FileSummary{}, err
		}
		if err := c.send(ctx, ticket.UploadURL, blob); err != nil {
			return slack.FileSummary{}, err
		}
		return slack.FileSummary{ID: ticket.FileID, Title: filename}, nil
	})
}

// ticket asks where a file of so many bytes goes.
func (c *Client) ticket(ctx context.Context, filename string, size int64) (*slack.GetUploadURLExternalResponse, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	ticket, err := c.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: filename, FileSize: int(size)})
	if err == nil && (ticket.UploadURL == "" || ticket.FileID == "") {
		return nil, errNotUnderstood
	}
	return ticket, err
}

// send uploads the bytes. The library's own upload is not used: it ends the body properly
// when its reader fails, which makes a truncated file look whole, and it adds the token,
// which the address does not need.
func (c *Client) send(ctx context.Context, address string, blob action.Blob) error {
	u, err := url.Parse(address)
	if err != nil {
		return errNotUnderstood // its error quotes the address, which is a secret
	}
	if !slacks(u) {
		return action.Errorf(action.Forbidden, "The address for the upload is not one of Slack's. The file was not sent.")
	}
	var body atomic.Pointer[source] // the one that was read last
	post, err := outbound.NewUpload(ctx, http.MethodPost, u.String(), blob.Size(), func() io.Reader {
		body.Store(&source{r: io.NewSectionReader(blob, 0, blob.Size())})
		return body.Load()
	})
	if err != nil {
		return errNotUnderstood
	}
	post.Header.Set("Content-Type", "application/octet-stream")
	res, err := outbound.Do(c.http, post, name)
	if err != nil {
		return fmt.Errorf("uploading the file: %w", busy(err))
	}
	defer res.Body.Close()
	outbound.Discard(res) // it only says "OK"
	if body.Load().n.Load() != blob.Size() {
		return action.Errorf(action.Unavailable, "Slack answered before it had taken all of the file.")
	}
	return nil
}

// slacks reports whether an address is that of a host of Slack, which names its uploads
// files.slack.com (https://docs.slack.dev/messaging/working-with-files). The file may go
// nowhere else, whatever the egress policy allows.
func slacks(u *url.URL) bool {
	return u.Scheme == "https" && u.User == nil && (u.Port() == "" || u.Port() == "443") &&
		strings.HasSuffix(strings.ToLower(u.Hostname()), ".slack.com")
}

// source is a file as the HTTP client reads it, on a goroutine of its own. It counts, and
// keeps a failure of the hub from looking like one of the connection.
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
