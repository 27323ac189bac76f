package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/standardwebhooks"
)

// method is an HTTP method.
type method string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *method) UnmarshalText(text []byte) error {
	return choice.Parse(m, strings.ToUpper(string(text)), http.MethodPost, http.MethodPut)
}

// headers are added by the administrator. They may contain secrets.
type headers map[string]string

// reserved are the headers that the hub sets itself, or that would change the framing of the body.
var reserved = []string{
	"Connection", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host", "Keep-Alive",
	"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
	"Webhook-Id", "Webhook-Signature", "Webhook-Timestamp",
}

// UnmarshalText implements [encoding.TextUnmarshaler]. Errors do not contain a value.
func (h *headers) UnmarshalText(text []byte) error {
	var given map[string]string
	if json.Unmarshal(text, &given) != nil {
		return errors.New(`must be a JSON object of strings, such as {"X-Api-Key": "…"}`)
	}
	*h = headers{}
	for name, value := range given {
		canonical := http.CanonicalHeaderKey(name)
		_, twice := (*h)[canonical]
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return errors.New("contains a name that is not valid for a header")
		case !httpguts.ValidHeaderFieldValue(value):
			return fmt.Errorf("contains a value for %s that is not valid for a header", canonical)
		case slices.Contains(reserved, canonical):
			return fmt.Errorf("must not contain %s", canonical)
		case twice:
			return fmt.Errorf("contains %s twice", canonical)
		}
		(*h)[canonical] = value
	}
	return nil
}

// statuses are the status codes that mean success. Empty means all from 200 to 299.
type statuses []int

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *statuses) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		code, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || code < 200 || code > 299 {
			return errors.New("must be numbers from 200 to 299, separated by commas")
		}
		*s = append(*s, code)
	}
	return nil
}

// domains are domain names, each including its subdomains.
type domains []string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *domains) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.ToLower(strings.Trim(part, " .")); part != "" {
			*d = append(*d, part)
		}
	}
	return nil
}

// Form implements [action.FormBuilder]. It has the fields that the administrator has not set.
func (*Integration) Form(_ context.Context, req *action.Request) (*action.Form, error) {
	in, err := action.Decode[input](&action.Request{Params: req.Params})
	if err != nil {
		return nil, err
	}
	var fields []action.Field
	if in.FixedURL == "" {
		fields = append(fields, action.Field{
			Name: "url", Label: "Webhook URL", Description: "A URL that begins with https://.", Type: action.String, Required: true,
		})
	}
	if in.FixedMethod == "" {
		fields = append(fields, action.Field{
			Name: "method", Label: "Method", Type: action.Select, Default: http.MethodPost, Required: true,
			Options: []action.Option{{Name: http.MethodPost, Label: http.MethodPost}, {Name: http.MethodPut, Label: http.MethodPut}},
		})
	}
	fields = append(fields, action.Field{
		Name: "filename", Label: "Filename", Description: "The file name in the request. The plan's title if empty.", Type: action.String,
	})
	return &action.Form{Fields: append(fields, datafile.Fields()...)}, nil
}

// input is the integration's settings in Looker and the user's answers.
type input struct {
	FixedURL       string                `param:"webhook_url"`
	FixedMethod    method                `param:"method"`
	Headers        headers               `param:"headers"`
	BearerToken    action.Secret         `param:"bearer_token"`
	Username       string                `param:"username"`
	Password       action.Secret         `param:"password"`
	SigningSecret  standardwebhooks.Keys `param:"signing_secret"`
	ExpectedStatus statuses              `param:"expected_status"`

	URL    string `form:"url"`
	Method method `form:"method"`
}

// Validate implements what [action.Decode] asks for.
func (in *input) Validate() error {
	if in.BearerToken != "" && in.Username != "" {
		return action.Errorf(action.Invalid, "The action's settings contain both a bearer token and a user name. Remove one of them.")
	}
	if in.Password != "" && in.Username == "" {
		return action.Errorf(action.Invalid, "The action's settings contain a password, but no user name.")
	}
	if in.FixedURL == "" && (in.BearerToken != "" || in.Username != "" || len(in.Headers) > 0) {
		// Otherwise any user could have them sent to any URL.
		return action.Errorf(action.Invalid, "Credentials and headers in the action's settings need a webhook URL there too, so "+
			"that they are sent only to that URL.")
	}
	return nil
}
