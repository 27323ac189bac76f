// Package box writes query results and dashboards into folders of Box.
package box

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/signin"
	"integrationhub.dev/integrations/internal/spooled"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// name is the destination's name in messages.
const name = "Box"

// settings are the hub's app at Box.
type settings struct {
	ClientID     string        `env:"BOX_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"BOX_CLIENT_SECRET,required,notEmpty"`
}

// input is what the user enters about the folder.
type input struct {
	Folder folderID `form:"folder"`
}

// folderID is the ID of a folder. Without one, it is the top.
type folderID string

// top is the ID of the user's uppermost folder.
const top = "0"

// UnmarshalText implements [encoding.TextUnmarshaler]. The ID becomes part of a URL.
func (f *folderID) UnmarshalText(text []byte) error {
	if strings.Trim(string(text), "0123456789") != "" {
		return errors.New("must be a folder's ID from its URL, such as 123456789")
	}
	*f = folderID(text)
	return nil
}

// Integration writes files to Box.
type Integration struct {
	http   *http.Client
	log    *slog.Logger
	signIn *signin.Provider
	retry  deliver.Retry
	// simple is the maximum size of a file that is sent in one request.
	simple int64
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{http: deps.HTTP, log: deps.Log, signIn: provider(s, deps), retry: retry, simple: minSession}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "box", Label: "Box", Description: "Write a file to a Box folder.",
		Types:       []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:    action.URL,
		MinVersion:  action.V(7, 3, 0),
		FetchTokens: true,
	}
}

// Execute implements [action.Integration]. New tokens go back to Looker even if the delivery fails. Tokens that are not valid stay:
// another delivery may have renewed them, and the form asks for a new sign-in by itself.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	tokens := signin.Kept[signin.Tokens](req.State)
	if tokens == (signin.Tokens{}) {
		return nil, i.signIn.Required()
	}
	f, err := spooled.Fetch(ctx, req, name, maxFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := checkName(f.Name); err != nil {
		return nil, err
	}
	s := i.open(tokens)
	err = s.deliver(ctx, in.Folder.orTop(), f)
	res := &action.Response{State: s.Renewed()}
	if err == nil {
		res.Message = "Saved as " + f.Name + "."
	}
	return res, err
}

func (f folderID) orTop() string {
	if f == "" {
		return top
	}
	return string(f)
}

// maxName is the maximum length of a name: https://support.box.com/hc/articles/360044196773
const maxName = 255

// checkName rejects names that Box rejects: "Names can not contain non-printable ASCII characters, forward and backward slashes (/, \),
// names with trailing spaces, and names . and .." (https://developer.box.com/reference/post-files-content)
func checkName(name string) error {
	switch {
	case strings.ContainsAny(name, `/\`):
		return action.InvalidField("filename", "The filename must not contain slashes.")
	case strings.ContainsFunc(name, unicode.IsControl):
		return action.InvalidField("filename", "The filename must not contain control characters.")
	case name != strings.TrimSpace(name):
		return action.InvalidField("filename", "The filename must not begin or end with a space.")
	case utf8.RuneCountInString(name) > maxName:
		return action.InvalidField("filename", "The filename is longer than the %d characters that Box allows.", maxName)
	}
	return nil
}
