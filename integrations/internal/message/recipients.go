package message

import (
	"net/mail"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/mailbox"
)

// Recipients parses the email addresses in a form field, which are separated by commas or
// semicolons, and drops duplicates. If domains are given, only addresses of exactly those domains
// are allowed.
func Recipients(field, text string, domains []string) ([]*mail.Address, error) {
	parsed, err := mailbox.ParseList(strings.Trim(text, " \t\r\n,;"))
	if err != nil { // semicolons mean something else in RFC 5322, but not to people
		parsed, err = mailbox.ParseList(strings.Trim(strings.ReplaceAll(text, ";", ","), " \t\r\n,"))
	}
	if err != nil {
		return nil, action.InvalidField(field, "The recipients hold something that is not an e-mail address.")
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

// allowed compares whole domains: "evil-example.com" is not "example.com".
func allowed(address string, domains []string) bool {
	domain := mailbox.Domain(address)
	return len(domains) == 0 || slices.ContainsFunc(domains, func(d string) bool {
		return strings.EqualFold(domain, mailbox.DomainToASCII(d))
	})
}
