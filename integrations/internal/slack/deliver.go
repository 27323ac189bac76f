package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/datafile"
)

// Deliver sends the request's data as a file with its comment to all destinations in the form. Without data,
// it sends only the comment.
//
// Steps that are not visible in Slack come first, for all destinations, because they can be retried. Visible
// steps are made once, since Slack cannot recognize a repeated request.
func (c *Client) Deliver(ctx context.Context, req *action.Request) (*action.Response, error) {
	d, err := read(req)
	if err != nil {
		return nil, err
	}
	if req.Data.Empty() {
		return c.comment(ctx, d)
	}
	if _, err := datafile.Prepare(req); err != nil {
		return nil, err
	}
	blob, err := req.Data.Spool(ctx, maxFile) // Slack wants to know the size first
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	if blob.Size() == 0 {
		return nil, action.Errorf(action.Invalid, "The file is empty. Slack does not accept empty files.")
	}
	return c.file(ctx, d, blob, req.CompleteFilename())
}

// delivery is the form's input.
type delivery struct {
	form    map[string]string
	to      []target
	thread  thread
	comment string
}

func read(req *action.Request) (delivery, error) {
	d := delivery{form: req.Form}
	var err error
	if d.thread, err = parseThread(req.Form["thread_ts"]); err != nil {
		return d, err
	}
	if d.to, err = targets(req.Form); err != nil {
		return d, err
	}
	if len(d.to) == 0 && d.thread.channel != "" {
		d.to = []target{{given: d.thread.channel, id: d.thread.channel}} // from the link
	}
	if len(d.to) == 0 {
		return d, action.InvalidField("channel", "Missing channel.")
	}
	d.comment, err = commentOf(req.Form)
	return d, err
}

// open opens the conversations of a delivery.
func (d delivery) open(ctx context.Context, c *Client) ([]conversation, error) {
	if err := c.resolve(ctx, d.to, d.form); err != nil {
		return nil, err
	}
	list, err := c.open(ctx, d.to)
	if err != nil {
		return nil, err
	}
	return list, d.thread.in(list)
}

// comment posts the comment without a file. A message can be addressed by a channel's name, so no scope for lists is needed
// (https://docs.slack.dev/reference/methods/chat.postMessage).
func (c *Client) comment(ctx context.Context, d delivery) (*action.Response, error) {
	for i := range d.to {
		if t := &d.to[i]; t.channel != "" && d.thread.channel == "" {
			t.id = t.given
			if id.MatchString(t.id) {
				t.id = "#" + t.channel
			}
		}
	}
	list, err := d.open(ctx, c)
	if err != nil {
		return nil, err
	}
	return each(ctx, list, func(_ int, to conversation) error {
		_, err := c.post(ctx, to.id, d.comment, d.thread.ts)
		return err
	})
}

// file shares the file. It is uploaded for each destination, because Slack does not report which destinations
// of one request received a file.
func (c *Client) file(ctx context.Context, d delivery, blob action.Blob, filename string) (*action.Response, error) {
	list, err := d.open(ctx, c)
	if err != nil {
		return nil, err
	}
	files := make([]slack.FileSummary, len(list))
	for i := range list {
		if files[i], err = c.upload(ctx, blob, filename); err != nil {
			return nil, err
		}
	}
	return each(ctx, list, func(i int, to conversation) error {
		if to.closed || !fitsFile(d.comment) {
			return c.shareAfterComment(ctx, files[i], to.id, d)
		}
		return c.share(ctx, files[i], to.id, d.comment, d.thread.ts)
	})
}

// shareAfterComment posts the comment first, which opens the conversation with a user. The response contains the
// conversation's ID, which a file needs.
func (c *Client) shareAfterComment(ctx context.Context, file slack.FileSummary, to string, d delivery) error {
	comment := d.comment
	if comment == "" {
		comment = "Looker Data"
	}
	opened, err := c.post(ctx, to, comment, d.thread.ts)
	if err != nil {
		return err
	}
	if opened == "" {
		err = errUnexpected
	} else {
		err = c.share(ctx, file, opened, "", d.thread.ts)
	}
	if err != nil {
		return action.Wrap(err, action.KindOf(err), "The comment was posted, but the file was not shared. %s", action.MessageOf(err))
	}
	return nil
}

// each makes the visible step for one destination after the other, and reports the result of each. After an
// error it continues, unless the other destinations would fail too.
func each(ctx context.Context, list []conversation, do func(int, conversation) error) (*action.Response, error) {
	var done, reasons, untried []string
	var failed []error
	for i, to := range list {
		if err := do(i, to); err != nil {
			failed = append(failed, err)
			reasons = append(reasons, fmt.Sprintf("%s: %s", to.name, action.MessageOf(err)))
			if ctx.Err() != nil || action.KindOf(err) == action.Unauthenticated {
				untried = namesOf(list[i+1:])
				break
			}
			continue
		}
		done = append(done, to.name)
	}
	switch {
	case len(failed) == 0:
		return &action.Response{}, nil
	case len(list) == 1:
		return nil, failed[0]
	}
	// The user must know where not to send it again.
	report := reasons
	if len(done) > 0 {
		report = append([]string{fmt.Sprintf("Delivered to %s. Do not send it there again.", strings.Join(done, ", "))}, report...)
	}
	if len(untried) > 0 {
		report = append(report, fmt.Sprintf("Not attempted: %s.", strings.Join(untried, ", ")))
	}
	return nil, action.Wrap(errors.Join(failed...), action.KindOf(failed[0]), "%s", strings.Join(report, " "))
}

func namesOf(list []conversation) []string {
	var names []string
	for _, to := range list {
		names = append(names, to.name)
	}
	return names
}

// callTimeout limits each call but the upload, whose time depends on the file's size.
const callTimeout = time.Minute

// withCallTimeout limits one call.
func withCallTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, callTimeout, action.Errorf(action.Timeout, "Slack did not respond in time."))
}

// once makes a call whose effect is visible. The hint is shown if Slack may have processed it
// although its response was lost.
func once(hint string) deliver.Once {
	return deliver.Once{Name: name, Timeout: callTimeout, MaybeDeliveredHint: hint}
}

// share makes an uploaded file visible in a conversation, as one message with the comment
// (https://docs.slack.dev/reference/methods/files.completeUploadExternal).
func (c *Client) share(ctx context.Context, file slack.FileSummary, conversation, comment, thread string) error {
	return once("The file may already have been shared. Check before retrying.").Do(ctx, func(ctx context.Context) error {
		_, err := c.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files: []slack.FileSummary{file}, Channel: conversation, Blocks: sections(comment), ThreadTimestamp: thread,
		})
		return classify(err)
	})
}

// post sends a message, which can contain markup, and returns the ID of its conversation.
func (c *Client) post(ctx context.Context, channel, text, thread string) (string, error) {
	options := []slack.MsgOption{slack.MsgOptionText(text, false)}
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	var conversation string
	err := once("The comment may already have been posted.").Do(ctx, func(ctx context.Context) error {
		var err error
		conversation, _, err = c.api.PostMessageContext(ctx, channel, options...)
		return classify(err)
	})
	return conversation, err
}
