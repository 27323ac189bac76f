package message_test

import (
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
)

func TestRecipients(t *testing.T) {
	t.Parallel()
	const notAllowed = "The hub allows mail to these domains only: example.com, example.net."
	domains := []string{"example.com", "example.net"}
	for name, tt := range map[string]struct {
		text    string
		domains []string
		want    []*mail.Address
		message string
	}{
		"one":                 {" ann@example.com ", nil, []*mail.Address{{Address: "ann@example.com"}}, ""},
		"several, with names": {`"B, Bo" <bo@example.com>; ann@example.com,`, nil, []*mail.Address{{Name: "B, Bo", Address: "bo@example.com"}, {Address: "ann@example.com"}}, ""},
		"commas":              {`"B; Bo" <bo@example.com>, ann@example.com,`, nil, []*mail.Address{{Name: "B; Bo", Address: "bo@example.com"}, {Address: "ann@example.com"}}, ""},
		"semicolons":          {"bo@example.com; ann@example.com;", nil, []*mail.Address{{Address: "bo@example.com"}, {Address: "ann@example.com"}}, ""},
		"one twice":           {"ann@example.com,Ann@Example.com", nil, []*mail.Address{{Address: "ann@example.com"}}, ""},
		"allowed":             {"ann@EXAMPLE.com,bo@example.net", domains, []*mail.Address{{Address: "ann@EXAMPLE.com"}, {Address: "bo@example.net"}}, ""},
		"another domain":      {"ann@example.com,eve@evil-example.com", domains, nil, notAllowed},
		"a domain below":      {"ann@mail.example.com", domains, nil, notAllowed},
		"a quoted address":    {`"thief@evil.example"@example.com`, domains, nil, `This is not a valid e-mail address: "thief@evil.example"@example.com`},
		"SMTP parameters":     {`"thief@evil.example> ORCPT=rfc822;a"@example.com`, domains, nil, `This is not a valid e-mail address: "thief@evil.example> ORCPT=rfc822;a"@example.com`},
		"behind a semicolon":  {`bo@example.com; "thief@evil.example> NOTIFY=NEVER ORCPT=rfc822,a"@example.com`, domains, nil, `This is not a valid e-mail address: "thief@evil.example> NOTIFY=NEVER ORCPT=rfc822,a"@example.com`},
		"internationalized":   {"ann@bücher.example", []string{"bücher.example"}, []*mail.Address{{Address: "ann@xn--bcher-kva.example"}}, ""},
		"none":                {",;", nil, nil, "There is no e-mail address."},
		"another header":      {"ann@example.com\r\nBcc: eve@example.com", nil, nil, `This is not a valid e-mail address: Bcc: eve@example.com`},
		"as Outlook copies":   {"Doe, Jane <jane@example.com>; Jane@example.com", nil, []*mail.Address{{Name: "Doe, Jane", Address: "jane@example.com"}}, ""},
		"hidden domain":       {"ann@example.com; eve@evil.example <ann@example.com>", domains, nil, `This is not a valid e-mail address: eve@evil.example <ann@example.com>`},
		"a long part":         {strings.Repeat("ä", 101), nil, nil, `This is not a valid e-mail address: ` + strings.Repeat("ä", 100) + `…`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := message.Recipients("to", tt.text, tt.domains)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("recipients (-want +got):\n%s", diff)
			}
			if tt.message == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*action.Error](err)
			if !ok {
				t.Fatalf("error %v, want %q", err, tt.message)
			}
			e.Err = nil // for the log
			if diff := cmp.Diff(action.InvalidField("to", "%s", tt.message), e); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
