package slack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// maxFile is the size of the largest file that Slack takes
// (https://slack.com/help/articles/201330736-Add-files-to-Slack).
const maxFile = 1 << 30

// user is the id of a user, whose conversation with the app has an id of its own. Names of
// channels are in lower case, so none looks like it.
var user = regexp.MustCompile(`^[UW][A-Z0-9]+$`)

// Deliver sends the request's data as a file, or its comment alone when there is no data.
//
// A call is tried again only where Slack did nothing: none can be told to happen only once.
func (c *Client) Deliver(ctx context.Context, req *action.Request) (*action.Response, error) {
	channel := strings.TrimSpace(req.Form["channel"])
	if channel == "" {
		return nil, action.InvalidField("channel", "Missing channel.")
	}
	comment := req.Form["initial_comment"]
	if strings.TrimSpace(comment) == "" {
		comment = ""
	}
	if req.Data.Empty() {
		if _, err := c.post(ctx, channel, comment); err != nil {
			return nil, err
		}
		return &action.Response{}, nil
	}
	file, err := c.upload(ctx, req)
	if err != nil {
		return nil, err
	}
	if user.MatchString(channel) {
		return c.shareWithUser(ctx, file, channel, comment)
	}
	return c.shareInChannel(ctx, file, channel, comment)
}

// shareInChannel posts the comment by itself: that of a file would not take Slack's markup.
func (c *Client) shareInChannel(ctx context.Context, file slack.FileSummary, channel, comment string) (*action.Response, error) {
	if err := c.share(ctx, file, channel); err != nil {
		return nil, err
	}
	if comment == "" {
		return &action.Response{}, nil
	}
	if _, err := c.post(ctx, channel, comment); err != nil {
		// The file is there. Called a failure, it would be sent again, and be there twice.
		return &action.Response{Message: "The file was delivered, but its comment was not. " + action.MessageOf(err)}, nil
	}
	return &action.Response{}, nil
}

// shareWithUser posts the comment first: only its answer tells the id of the conversation
// with the user, which a file needs.
func (c *Client) shareWithUser(ctx context.Context, file slack.FileSummary, id, comment string) (*action.Response, error) {
	if comment == "" {
		comment = "Looker Data"
	}
	conversation, err := c.post(ctx, id, comment)
	if err != nil {
		return nil, err
	}
	if conversation == "" {
		return nil, errNotUnderstood
	}
	if err := c.share(ctx, file, conversation); err != nil {
		return nil, action.Wrap(err, action.KindOf(err), "The comment was posted, but the file was not shared. %s", action.MessageOf(err))
	}
	return &action.Response{}, nil
}

// upload brings the file to Slack, where nobody sees it before it is shared.
func (c *Client) upload(ctx context.Context, req *action.Request) (slack.FileSummary, error) {
	var none slack.FileSummary
	blob, err := req.Data.Spool(ctx, maxFile) // Slack wants to know the size first
	if err != nil {
		return none, err
	}
	defer blob.Close()
	if blob.Size() == 0 {
		return none, action.Errorf(action.Invalid, "The file is empty. Slack takes no empty files.")
	}
	filename := req.CompleteFilename()
	var ticket *slack.GetUploadURLExternalResponse
	err = once("").Do(ctx, func(ctx context.Context) error {
		var err error
		ticket, err = c.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{
			FileName: filename, FileSize: int(blob.Size()),
		})
		return known(err)
	})
	if err != nil {
		return none, err
	}
	if err := c.send(ctx, ticket.UploadURL, blob); err != nil {
		return none, err
	}
	return slack.FileSummary{ID: ticket.FileID, Title: filename}, nil
}

// send uploads the bytes. The library's own upload is not used: it ends the body properly
// when its reader fails, which makes a truncated file look whole, and it adds the token,
// which the address does not need.
func (c *Client) send(ctx context.Context, address string, blob action.Blob) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return errNotUnderstood
	}
	body := &counter{r: io.NewSectionReader(blob, 0, blob.Size())}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), body)
	if err != nil {
		return errNotUnderstood // its error quotes the address, which is a secret
	}
	post.ContentLength = blob.Size()
	post.Header.Set("Content-Type", "application/octet-stream")
	res, err := outbound.Do(c.http, post, name)
	if err != nil {
		return fmt.Errorf("uploading the file: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // it only says "OK"; read for the connection's sake
	if body.n.Load() != blob.Size() {
		return action.Errorf(action.Unavailable, "Slack answered before it had taken all of the file.")
	}
	return nil
}

// counter counts what the HTTP client has read, on a goroutine of its own.
type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// callTimeout bounds each call but the upload, which takes as long as the file is large.
const callTimeout = time.Minute

// once makes a call of a delivery. doubt is told when Slack may have done it before its
// answer was lost.
func once(doubt string) deliver.Once {
	return deliver.Once{Name: name, Timeout: callTimeout, Doubt: doubt}
}

// share makes an uploaded file visible in a channel.
func (c *Client) share(ctx context.Context, file slack.FileSummary, channel string) error {
	return once("The file may be there all the same: look before sending it again.").Do(ctx, func(ctx context.Context) error {
		_, err := c.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files: []slack.FileSummary{file}, Channel: channel,
		})
		return known(err)
	})
}

// post sends a message and returns the id of the conversation that it went to. Markup in
// it works, as people are used to.
func (c *Client) post(ctx context.Context, channel, text string) (string, error) {
	var conversation string
	err := once("The comment may be there all the same.").Do(ctx, func(ctx context.Context) error {
		var err error
		conversation, _, err = c.api.PostMessageContext(ctx, channel, slack.MsgOptionText(text, false))
		return known(err)
	})
	return conversation, err
}
