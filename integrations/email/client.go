package email

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	netmail "net/mail"
	"strings"
	"time"

	mime "github.com/emersion/go-message/mail"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/mail"
	"integrationhub.dev/integrations/internal/message"
)

const defaultSubject = "{title}"

// letter is a mail with its attachment. It can be written several times.
type letter struct {
	head      mail.Head
	header    mime.Header
	text      string
	filename  string
	mediaType string
	blob      action.Blob
}

// largestFile returns the maximum size of a file in a mail of a size, both in bytes. Base64 encodes 57
// bytes as a line of 78, as in [letter.mail]. The rest of the mail needs up to 64 KiB.
func largestFile(mail int64) int64 { return (mail - 64<<10) / 78 * 57 }

func newMessage(from *netmail.Address, to []*netmail.Address, in input, req *action.Request, blob action.Blob, now time.Time) *letter {
	subject := message.Expand(cmp.Or(action.Line(in.Subject), defaultSubject), req.Plan, now)
	var text strings.Builder
	if m := strings.TrimSpace(in.Message); m != "" {
		text.WriteString(message.Expand(m, req.Plan, now) + "\n\n")
	}
	if link := message.Link(req.Plan.URL); link != "" {
		text.WriteString("View this data in Looker: " + link + "\n\n")
	}
	text.WriteString("Results are attached.\n")
	head := mail.Head{From: from, To: to, Subject: subject}
	return &letter{
		head: head, header: head.Header(now), text: text.String(),
		filename: req.CompleteFilename(), mediaType: message.ContentType(req), blob: blob,
	}
}

// mail returns the letter with its envelope, and the size of its encoded file.
func (l *letter) mail() mail.Mail { return l.head.Mail((l.blob.Size()+56)/57*78, l.write) }

// write writes the mail (RFC 5322, RFC 2045) and encodes the file while it reads it.
func (l *letter) write(to io.Writer) error {
	w, err := mime.CreateWriter(to, l.header)
	if err != nil {
		return fmt.Errorf("writing the mail's head: %w", err)
	}
	var inline mime.InlineHeader
	inline.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	part, err := w.CreateSingleInline(inline)
	if err := copyPart(part, err, strings.NewReader(l.text)); err != nil {
		return fmt.Errorf("writing the mail's text: %w", err)
	}
	var file mime.AttachmentHeader
	file.SetContentType(l.mediaType, nil)
	file.Set("Content-Transfer-Encoding", "base64")
	file.SetFilename(l.filename)
	part, err = w.CreateAttachment(file)
	if err := copyPart(part, err, spooled{io.NewSectionReader(l.blob, 0, l.blob.Size())}); err != nil {
		return fmt.Errorf("writing the mail's file: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing the mail's end: %w", err)
	}
	return nil
}

// copyPart writes the body of a part. err is the error of creating the part.
func copyPart(part io.WriteCloser, err error, body io.Reader) error {
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, body); err != nil {
		return err
	}
	return part.Close()
}

// spooled gives read errors of the hub's own file a kind, since they would look like connection errors.
type spooled struct{ io.Reader }

func (s spooled) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = action.Wrap(err, action.Internal, "The hub could not read the data that it had fetched.")
	}
	return n, err
}
