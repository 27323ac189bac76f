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
)

// method is how data is sent.
type method string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *method) UnmarshalText(text []byte) error {
	return choice.Parse(m, strings.ToUpper(string(text)), http.MethodPost, http.MethodPut)
}

// headers are those that the administrator adds. They may hold secrets.
type headers map[string]string

// ours are the headers that the hub sets itself, or that would change how the body is framed.
var ours = []string{
	"Connection", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host", "Keep-Alive",
	"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
	"Webhook-Id", "Webhook-Signature", "Webhook-Timestamp",
}

// UnmarshalText implements [encoding.TextUnmarshaler]. No value is in an error.
func (h *headers) UnmarshalText(text []byte) error {
	var given map[string]string
	if json.Unmarshal(text, &given) != nil {
		return errors.New(`must be a JSON object of texts, such as {"X-Api-Key": "…"}`)
	}
	*h = headers{}
	for name, value := range given {
		canonical := http.CanonicalHeaderKey(name)
		_, twice := (*h)[canonical]
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return errors.New("holds a name that no header can have")
		case !httpguts.ValidHeaderFieldValue(value):
			return fmt.Errorf("holds a value for %s that no header can have", canonical)
		case slices.Contains(ours, canonical):
			return fmt.Errorf("must not hold %s", canonical)
		case twice:
			return fmt.Errorf("holds %s twice", canonical)
		}
		(*h)[canonical] = value
	}
	return nil
}

// statuses are the answers that mean success; none stands for all from 200 to 299.
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

// domains are parts of the web, each with all that is below it.
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

// Form implements [action.FormBuilder]. It asks for what the administrator left open.
func (*Integration) Form(_ context.Context, req *action.Request) (*action.Form, error) {
	in, err := action.Decode[input](&action.Request{Params: req.Params})
	if err != nil {
		return nil, err
	}
	var fields []action.Field
	if in.FixedURL == "" {
		fields = append(fields, action.Field{
			Name: "url", Label: "Webhook URL", Description: "An address that begins with https://.", Type: action.String, Required: true,
		})
	}
	if in.FixedMethod == "" {
		fields = append(fields, action.Field{
			Name: "method", Label: "Method", Type: action.Select, Default: http.MethodPost, Required: true,
			Options: []action.Option{{Name: http.MethodPost, Label: http.MethodPost}, {Name: http.MethodPut, Label: http.MethodPut}},
		})
	}
	return &action.Form{Fields: append(fields, action.Field{
		Name: "filename", Label: "Filename", Description: "The file name in the request. The plan's title if empty.", Type: action.String,
	})}, nil
}

// input is Looker's: the integration's settings and what the user answers.
type input struct {
	FixedURL       string        `param:"webhook_url"`
	FixedMethod    method        `param:"method"`
	Headers        headers       `param:"headers"`
	BearerToken    action.Secret `param:"bearer_token"`
	Username       string        `param:"username"`
	Password       action.Secret `param:"password"`
	SigningSecret  signingKeys   `param:"signing_secret"`
	ExpectedStatus statuses      `param:"expected_status"`

	URL    string `form:"url"`
	Method method `form:"method"`
}

// Validate implements what [action.Decode] asks for.
func (in *input) Validate() error {
	if in.BearerToken != "" && in.Username != "" {
		return action.Errorf(action.Invalid, "The action's settings hold both a bearer token and a user name: keep one of them.")
	}
	if in.Password != "" && in.Username == "" {
		return action.Errorf(action.Invalid, "The action's settings hold a password, but no user name.")
	}
	if in.FixedURL == "" && (in.BearerToken != "" || in.Username != "" || len(in.Headers) > 0) {
		// Otherwise every user could have them sent to an address of their own.
		return action.Errorf(action.Invalid, "Credentials and headers in the action's settings go to one address only: enter it "+
			"there too, as the webhook URL.")
	}
	return nil
}
