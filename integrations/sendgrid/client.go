package sendgrid

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/choice"
)

// timeout is long enough to upload 30 MB over a slow connection.
const timeout = 5 * time.Minute

// client sends requests to SendGrid.
type client struct{ api outbound.API }

func newClient(c *http.Client) client {
	return client{outbound.API{Name: "SendGrid", Client: c, Timeout: timeout, Explain: explain}}
}

// region is where SendGrid stores and processes mails. Subusers belong to one region:
// https://www.twilio.com/docs/sendgrid/for-developers/sending-email/eu-regional-subusers
type region string

const (
	global region = "global"
	eu     region = "eu"
)

var hosts = map[region]string{global: "https://api.sendgrid.com", eu: "https://api.eu.sendgrid.com"}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *region) UnmarshalText(text []byte) error {
	return choice.Parse(r, strings.ToLower(string(text)), global, eu)
}

// send sends a mail. SendGrid only queues it (202) and reports the delivery later.
func (c client) send(ctx context.Context, r region, key action.Secret, m *encodedMail) error {
	api := c.api
	api.Base = hosts[r]
	api.Authorize = outbound.Bearer(key)
	once := deliver.Once{MaybeDeliveredHint: "The mail may already have been sent. Check before retrying."}
	return once.Do(ctx, func(ctx context.Context) error {
		body := outbound.Body{ContentType: "application/json", Size: m.size(), Open: m.reader}
		return api.Call(ctx, http.MethodPost, "/v3/mail/send", body, &outbound.Head{Want: http.StatusAccepted})
	})
}

// maxMail is the size in bytes that a mail must stay below
// (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations: 30 MB).
const maxMail = 30 << 20

// email is a mail without its attachment in SendGrid's format:
// https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
type email struct {
	From             address           `json:"from"`
	Subject          string            `json:"subject"`
	Personalizations []personalization `json:"personalizations"`
	// SendGrid accepts only one of ReplyTo and ReplyToList.
	ReplyTo     *address  `json:"reply_to,omitempty"`
	ReplyToList []address `json:"reply_to_list,omitempty"`
	TemplateID  string    `json:"template_id,omitempty"`
	// Content is empty if there is a template, which replaces it.
	Content []part `json:"content,omitempty"`
}

// personalization is one envelope. The recipients in To and CC see each other.
type personalization struct {
	To   []address      `json:"to"`
	CC   []address      `json:"cc,omitempty"`
	BCC  []address      `json:"bcc,omitempty"`
	Data map[string]any `json:"dynamic_template_data,omitempty"`
}

type part struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// file is an attachment without its content.
type file struct {
	Filename    string `json:"filename"`
	Type        string `json:"type"`
	Disposition string `json:"disposition"`
}

// content returns the mail's text: the user's text and the link, if there are any.
func content(text, link string) []part {
	const attached = "Results are attached."
	plain, rich := attached, attached
	if link != "" {
		plain = "View this data in Looker. " + link + "\n " + attached
		rich = `<p><a href="` + html.EscapeString(link) + `">View this data in Looker.</a></p><p>` + attached + `</p>`
	}
	if text != "" {
		plain = text + "\n\n" + plain
		rich = "<p>" + strings.ReplaceAll(html.EscapeString(text), "\n", "<br>") + "</p>" + rich
	}
	return []part{{"text/plain", plain}, {"text/html", rich}}
}

// encodedMail is a mail whose attachment is encoded while it is read.
type encodedMail struct {
	head, tail []byte
	blob       action.Blob
}

// newMail encodes a mail. It returns an error if the mail is too large for SendGrid.
func newMail(m email, f file, blob action.Blob) (*encodedMail, error) {
	head, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding a mail: %w", err)
	}
	about, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encoding an attachment: %w", err)
	}
	// The attachment is the last member of the mail, and its content the last member of the attachment.
	head = append(bytes.TrimSuffix(head, []byte("}")), `,"attachments":[`...)
	head = append(append(head, bytes.TrimSuffix(about, []byte("}"))...), `,"content":"`...)
	e := &encodedMail{head: head, tail: []byte(`"}]}`), blob: blob}
	if e.size() >= maxMail {
		return nil, action.Errorf(action.TooLarge, "The file has %d bytes, and the mail %d. SendGrid's limit for a mail is 30 MB, "+
			"which allows files of about 22 MB.", blob.Size(), e.size())
	}
	return e, nil
}

func (e *encodedMail) size() int64 {
	return int64(len(e.head)) + (e.blob.Size()+2)/3*4 + int64(len(e.tail))
}

func (e *encodedMail) reader() io.Reader {
	data := io.NewSectionReader(e.blob, 0, e.blob.Size())
	return io.MultiReader(bytes.NewReader(e.head), &base64Reader{data: data}, bytes.NewReader(e.tail))
}

// base64Reader encodes what it reads.
type base64Reader struct {
	data io.Reader
	raw  [3 << 10]byte // a multiple of three, so that only the end is padded
	buf  [4 << 10]byte
	text []byte // the unread part of buf
}

func (r *base64Reader) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		n, err := io.ReadFull(r.data, r.raw[:])
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, err
		}
		r.text = base64.StdEncoding.AppendEncode(r.buf[:0], r.raw[:n])
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}
