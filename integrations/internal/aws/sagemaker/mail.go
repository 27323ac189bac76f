package sagemaker

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	sender "integrationhub.dev/integrations/internal/mail"
	"integrationhub.dev/integrations/internal/mailbox"
	"integrationhub.dev/integrations/internal/message"
)

// mailSettings are the Looker administrator's settings for mails about jobs.
type mailSettings struct {
	To       string        `param:"user_email,required"`
	Host     string        `param:"smtpHost,required"`
	Port     int           `param:"smtpPort,required"`
	From     string        `param:"smtpFrom,required"`
	User     string        `param:"smtpUser"`
	Password action.Secret `param:"smtpPass"`
}

// startTLSPorts are the ports on which servers expect STARTTLS. Connections to other ports use TLS from
// the start, as in the reference: https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html
var startTLSPorts = []int{25, 587, 2525, 2587}

// reporter sends mails about a job.
type reporter struct {
	deps   action.Deps
	server sender.Server
	from   *mail.Address
	to     []*mail.Address
}

// newReporter reads the mail settings. They are checked before the job starts, so that the response can
// report an error.
func newReporter(deps action.Deps, req *action.Request) (*reporter, error) {
	s, err := action.Decode[mailSettings](req)
	if err != nil {
		return nil, err
	}
	from, err := mailbox.ParseOne(s.From)
	if err != nil {
		return nil, action.Errorf(action.Invalid, "SMTP From is not an email address.")
	}
	to, err := message.Recipients("user_email", s.To, nil)
	if err != nil {
		return nil, action.Wrap(err, action.Invalid, "Looker User Email: %s", action.MessageOf(err))
	}
	if s.Port < 1 || s.Port > 65535 {
		return nil, action.Errorf(action.Invalid, "SMTP Port must be a number from 1 to 65535.")
	}
	security := sender.Implicit
	if slices.Contains(startTLSPorts, s.Port) {
		security = sender.StartTLS
	}
	return &reporter{deps: deps, from: from, to: to, server: sender.Server{
		Host: strings.TrimSpace(s.Host), Port: s.Port, Security: security, Username: s.User, Password: s.Password,
	}}, nil
}

// send sends a mail. A nil reporter sends none.
func (r *reporter) send(ctx context.Context, subject, text string) error {
	if r == nil {
		return nil
	}
	m, err := sender.Text(sender.Head{From: r.from, To: r.to, Subject: subject}, text+"\n", time.Now())
	if err != nil {
		return err
	}
	if err := r.server.Send(ctx, r.deps, m); err != nil {
		return fmt.Errorf("mailing %q: %w", subject, err)
	}
	return nil
}
