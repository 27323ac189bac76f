package sftp

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/objectstore"
)

// address is a server and a folder.
type address struct {
	host, port string
	// folder is absolute, or relative to the user's home directory.
	folder string
}

const defaultPort = "22"

func (a address) set() bool { return a.host != "" }

// hostPort returns the server as a dialer needs it.
func (a address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

// UnmarshalText implements [encoding.TextUnmarshaler] for sftp://host[:port]/folder. As with curl, /~/ is
// the user's home directory. Spaces need no escape (RFC 3986).
func (a *address) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	switch {
	case err != nil || u.Scheme != "sftp" || u.Hostname() == "" || u.Path == "":
		return errors.New("must be a URL such as sftp://host/path/")
	case u.User != nil:
		return errors.New("must not contain a user name or a password, which have their own fields")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("must use %3F for a question mark and %23 for a number sign")
	case strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' }):
		return errors.New("must not contain control characters")
	}
	*a = address{host: u.Hostname(), port: u.Port(), folder: u.Path}
	if a.port == "" {
		a.port = defaultPort
	}
	if home, ok := strings.CutPrefix(u.Path, "/~/"); ok {
		a.folder = "./" + home
	}
	return nil
}

// upload is how the file gets its name.
type upload string

// The values of the form field. An empty one means viaTemporary.
const (
	viaTemporary upload = "rename"
	inPlace      upload = "in_place"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (u *upload) UnmarshalText(text []byte) error {
	return choice.Parse(u, string(text), viaTemporary, inPlace)
}

// Form implements [action.FormBuilder]. It has the reference's fields, without those that the
// administrator has set.
func (*Integration) Form(_ context.Context, req *action.Request) (*action.Form, error) {
	s, err := action.Decode[server](req)
	if err != nil {
		return nil, err
	}
	form := &action.Form{}
	if !s.Address.set() {
		form.Fields = append(form.Fields, action.Field{
			Name: "address", Label: "Address", Type: action.String, Required: true, Description: "e.g. sftp://host/path/",
		})
	}
	if !s.signsIn() {
		form.Fields = append(form.Fields,
			action.Field{Name: "username", Label: "Username", Type: action.String, Required: true},
			action.Field{Name: "password", Label: "Password", Type: action.String, Required: true})
	}
	form.Fields = append(form.Fields, objectstore.FileFields()...)
	form.Fields = append(form.Fields, action.Field{
		Name: "upload", Label: "Upload", Type: action.Select, Default: string(viaTemporary),
		Description: "A file that is renamed is never seen incomplete. Some servers do not allow renaming.",
		Options: []action.Option{
			{Name: string(viaTemporary), Label: "Under a hidden name, then rename"},
			{Name: string(inPlace), Label: "In place"},
		},
	})
	return form, nil
}
