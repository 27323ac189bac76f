package mail_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/mail"
	"integrationhub.dev/integrations/internal/mail/mailtest"
)

func message(from string, to ...string) mail.Mail {
	return mail.Mail{From: from, To: to, Write: func(w io.Writer) error {
		_, err := io.Copy(w, strings.NewReader("Subject: x\r\n\r\ny\r\n"))
		return err
	}}
}

// What the forms let through by mistake must not reach a mail server either.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	const refused = "One of the mail's addresses is not a valid e-mail address."
	for name, tt := range map[string]struct {
		from    string
		to      []string
		utf8    bool
		message string
	}{
		"ASCII":                           {"hub@example.com", []string{"ann@example.com", "bo@example.net"}, false, ""},
		"parameter behind a recipient":    {"hub@example.com", []string{"ann@example.com", "thief@evil.example> ORCPT=rfc822;a@example.com"}, false, refused},
		"parameter behind the sender":     {"hub@example.com> SIZE=1 X=a@example.com", []string{"ann@example.com"}, false, refused},
		"another command":                 {"hub@example.com", []string{"ann@example.com>\r\nRCPT TO:<eve@example.com"}, false, refused},
		"SMTPUTF8":                        {"hub@example.com", []string{"jürgen@example.com"}, true, ""},
		"SMTPUTF8 for the sender":         {"jürgen@example.com", []string{"ann@example.com"}, true, ""},
		"SMTPUTF8 that is not offered":    {"hub@example.com", []string{"ann@example.com", "jürgen@example.com"}, false, "example.com accepts only ASCII characters before the @ of an address: jürgen@example.com"},
		"the sender's is not offered":     {"jürgen@example.com", []string{"ann@example.com"}, false, "example.com accepts only ASCII characters before the @ of an address: jürgen@example.com"},
		"domain that is not ASCII at all": {"hub@example.com", []string{"ann@bücher.example"}, true, refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, true)
			if tt.utf8 {
				f.EnableSMTPUTF8()
			}
			err := mail.Server{Host: "example.com", Port: 465, Security: mail.Implicit}.Send(t.Context(), f.Deps(nil), message(tt.from, tt.to...))
			if tt.message != "" {
				if got := action.MessageOf(err); got != tt.message {
					t.Errorf("message %q, want %q", got, tt.message)
				}
				if got := action.KindOf(err); got != action.Invalid {
					t.Errorf("kind %v, want %v", got, action.Invalid)
				}
				if got := len(f.Mails()); got != 0 {
					t.Errorf("%d mails arrived, want none", got)
				}
				return
			}
			if err != nil || len(f.Mails()) != 1 {
				t.Fatalf("error %v, %d mails", err, len(f.Mails()))
			}
			got := f.Mails()[0]
			if diff := cmp.Diff(append([]string{tt.from}, tt.to...), append([]string{got.From}, got.To...)); diff != "" {
				t.Errorf("envelope (-want +got):\n%s", diff)
			}
		})
	}
}
