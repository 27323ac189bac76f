// Package webhook posts a query's result unchanged to a webhook URL that the Looker user enters. The
// integration determines the URL's domain.
package webhook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/pasted"
)

// Receiver is the integration for a service with webhook URLs in its own domains.
type Receiver struct {
	// Name, Label and Description are those of the definition.
	Name, Label, Description string
	// Domains are the allowed domains, including their subdomains.
	Domains []string
	Limits  Limits
	HTTP    *http.Client
}

var (
	_ action.Integration = Receiver{}
	_ action.FormBuilder = Receiver{}
)

// Definition implements [action.Integration].
func (r Receiver) Definition() action.Definition {
	return action.Definition{
		Name: r.Name, Label: r.Label, Description: r.Description,
		Types:          []action.Type{action.TypeQuery},
		Formats:        []action.Format{action.JSONDetail},
		Formattings:    []action.Formatting{action.Unformatted},
		VisFormattings: []action.VisFormatting{action.NoApply},
		Download:       action.URL,
		MinVersion:     action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (r Receiver) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: []action.Field{{Name: "url", Label: r.Label + " Webhook URL", Type: action.String, Required: true}}}, nil
}

// Execute implements [action.Integration]. It connects only after the data is available. If the data
// breaks off, the request does too, so that an incomplete body never looks complete.
func (r Receiver) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	address, err := r.address(req.Form["url"])
	if err != nil {
		return nil, err
	}
	data, err := req.Data.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	// A result is never empty, and the workflow must not run without one.
	body := bufio.NewReader(data)
	if _, err := body.Peek(1); errors.Is(err, io.EOF) {
		return nil, action.Errorf(action.Invalid, "Looker sent no data.")
	} else if err != nil {
		return nil, err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("preparing the request: %w", err)
	}
	post.Header.Set("Content-Type", "application/json")
	if _, err := Send(r.HTTP, post, body, r.Label); err != nil {
		return nil, Explain(err, r.Label, r.Limits)
	}
	return &action.Response{}, nil
}

// Send makes a request whose body is data, and returns the status code of a successful response. It is an
// error if the data breaks off, or if the receiver responds before it has read all of the data. The name
// is the receiver's in messages.
func Send(c *http.Client, req *http.Request, data io.Reader, name string) (int, error) {
	body := newBody(data, req.ContentLength)
	req.Body = io.NopCloser(body)
	res, err := outbound.Do(c, req.WithContext(outbound.WithFreshConnection(req.Context())), name)
	status := 0
	if err == nil {
		defer res.Body.Close()
		status = res.StatusCode
		body.await(req.Context(), res)
	}
	switch end := body.end.Load(); {
	case end != nil && !errors.Is(*end, io.EOF):
		return 0, *end // the data's error caused the connection error
	case err != nil:
		return 0, err
	case !body.complete():
		if err := req.Context().Err(); err != nil {
			return 0, outbound.ConnectionError(req.Context(), err, name)
		}
		return 0, action.Errorf(action.Unavailable, "%s responded before it had received all of the data.", name)
	}
	return status, nil
}

// address checks the webhook URL and its domain.
func (r Receiver) address(text string) (*url.URL, error) {
	u, err := Address("url", text)
	if err != nil {
		return nil, err
	}
	if !Within(u, r.Domains) {
		return nil, action.InvalidField("url", "Incorrect domain for url. It must belong to %s.", strings.Join(r.Domains, ", "))
	}
	return u, nil
}

// Address checks a webhook URL from a form field, which may have been pasted with marks around it. It must be https,
// except for hosts in httpDomains. Its host is in lowercase.
func Address(field, text string, httpDomains ...string) (*url.URL, error) {
	text = pasted.URL(text)
	if text == "" {
		return nil, action.InvalidField(field, "Missing url.")
	}
	if !strings.Contains(text, "://") {
		return nil, action.InvalidField(field, "The url must begin with https://.")
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, action.InvalidField(field, "The url is not valid.")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !Within(u, httpDomains)) {
		return nil, action.InvalidField(field, "The url must begin with https://.")
	}
	if u.User != nil {
		return nil, action.InvalidField(field, "The url must not contain a user name.")
	}
	u.Fragment = ""
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// Within reports whether the host of a URL is one of the domains or a subdomain.
func Within(u *url.URL, domains []string) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return slices.ContainsFunc(domains, func(domain string) bool {
		return host == domain || strings.HasSuffix(host, "."+domain)
	})
}
