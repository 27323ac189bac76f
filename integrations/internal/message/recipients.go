package message

import (
	"errors"
	"net/mail"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/mailbox"
)

// Recipients parses the email addresses in a form field, as [mailbox.ParseList] does, and drops
// duplicates. If domains are given, only addresses of exactly those domains are allowed.
func Recipients(field, text string, domains []string) ([]*mail.Address, error) {
	parsed, err := mailbox.ParseList(text)
	if err != nil {
		return nil, action.Wrap(err, action.Invalid, "%s", notAddress(err)).WithField(field)
	}
	var list []*mail.Address
	seen := map[string]bool{}
	for _, a := range parsed {
		if !allowed(a.Address, domains) {
			return nil, action.InvalidField(field, "The hub allows mail to these domains only: %s.", strings.Join(domains, ", "))
		}
		if key := strings.ToLower(a.Address); !seen[key] {
			seen[key] = true
			list = append(list, a)
		}
	}
	return list, nil
}

// maxPart is the number of characters that are shown of a part that is not an address.
const maxPart = 100

// notAddress says which part of a text is not an address.
func notAddress(err error) string {
	bad, ok := errors.AsType[*mailbox.PartError](err)
	if !ok {
		return "There is no e-mail address."
	}
	part := []rune(action.Line(bad.Part))
	if len(part) > maxPart {
		part = append(part[:maxPart], '…')
	}
	return "This is not a valid e-mail address: " + string(part)
}

// allowed compares whole domains: "evil-example.com" is not "example.com".
func allowed(address string, domains []string) bool {
	domain := mailbox.Domain(address)
	return len(domains) == 0 || slices.ContainsFunc(domains, func(d string) bool {
		return strings.EqualFold(domain, mailbox.DomainToASCII(d))
	})
}
