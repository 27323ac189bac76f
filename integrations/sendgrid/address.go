package sendgrid

import (
	"net/mail"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
)

// address is a mailbox as SendGrid's API writes it.
type address struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

// maxRecipients is how many one mail may have
// (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations).
const maxRecipients = 1000

// lookers is the sender where the user names none.
var lookers = address{Email: "noreply@lookermail.com", Name: "Looker"}

// sender reads the one address that a mail comes from.
func sender(text string) (address, error) {
	if strings.TrimSpace(text) == "" {
		return lookers, nil
	}
	parsed, err := mail.ParseAddress(strings.TrimSpace(text))
	if err != nil {
		return address{}, action.InvalidField("from", "The sender is not an e-mail address.")
	}
	return toAddress(parsed), nil
}

// recipients reads a list of addresses, separated by commas or semicolons, each of them once.
func recipients(text string, domains []string) ([]address, error) {
	if strings.TrimSpace(text) == "" {
		return nil, action.InvalidField("to", "Error: invalid email address")
	}
	parsed, err := mail.ParseAddressList(strings.Trim(text, " \t\r\n,;"))
	if err != nil { // semicolons mean something else in RFC 5322, but not to people
		parsed, err = mail.ParseAddressList(strings.Trim(strings.ReplaceAll(text, ";", ","), " \t\r\n,"))
	}
	if err != nil {
		return nil, action.InvalidField("to", "The recipients hold something that is not an e-mail address.")
	}
	var list []address
	seen := map[string]bool{} // SendGrid refuses an address that it is given twice
	for _, p := range parsed {
		a := toAddress(p)
		if key := strings.ToLower(a.Email); !seen[key] {
			seen[key] = true
			list = append(list, a)
		}
		if !allowed(a.Email, domains) {
			return nil, action.InvalidField("to", "The hub allows mail to these domains only: %s.", strings.Join(domains, ", "))
		}
	}
	if len(list) > maxRecipients {
		return nil, action.InvalidField("to", "There are %d recipients; SendGrid takes %d.", len(list), maxRecipients)
	}
	return list, nil
}

// allowed compares whole domains: "evil-example.com" is not "example.com".
func allowed(email string, domains []string) bool {
	domain := email[strings.LastIndexByte(email, '@')+1:]
	return len(domains) == 0 || slices.ContainsFunc(domains, func(d string) bool { return strings.EqualFold(domain, d) })
}

// toAddress leaves out of the name what SendGrid does not take there.
func toAddress(a *mail.Address) address {
	return address{Email: a.Address, Name: strings.NewReplacer(",", "", ";", "").Replace(a.Name)}
}
