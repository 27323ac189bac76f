package mail

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/mail"
	"time"

	mime "github.com/emersion/go-message/mail"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/mailbox"
)

// Head is the sender, the recipients and the subject of a mail.
type Head struct {
	From    *mail.Address
	To      []*mail.Address
	Subject string
}

// Header returns the header (RFC 5322) with a new Message-ID. Call it once for each mail, so that the ID
// stays the same when the mail is sent again.
func (h Head) Header(now time.Time) mime.Header {
	var header mime.Header
	header.SetDate(now)
	header.SetMessageID(rand.Text() + "@" + mailbox.Domain(h.From.Address))
	header.SetAddressList("From", []*mail.Address{h.From})
	header.SetAddressList("To", h.To)
	header.SetSubject(action.Line(h.Subject))
	header.Set("Auto-Submitted", "auto-generated") // prevents automatic replies (RFC 3834)
	return header
}

// Mail returns a mail with the head's envelope. size and write are the fields of [Mail].
func (h Head) Mail(size int64, write func(io.Writer) error) Mail {
	m := Mail{From: h.From.Address, Size: size, Write: write}
	for _, to := range h.To {
		m.To = append(m.To, to.Address)
	}
	return m
}

// Text returns a mail that contains only text.
func Text(h Head, text string, now time.Time) (Mail, error) {
	header := h.Header(now)
	header.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	var b bytes.Buffer
	w, err := mime.CreateSingleInlineWriter(&b, header)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return Mail{}, fmt.Errorf("writing a mail: %w", err)
	}
	return h.Mail(int64(b.Len()), func(to io.Writer) error {
		_, err := to.Write(b.Bytes())
		return err
	}), nil
}
