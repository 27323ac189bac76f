// Package dropbox writes query results and dashboards into a user's Dropbox.
package dropbox

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/objectstore"
	"integrationhub.dev/integrations/internal/signin"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// name is the destination's name in messages.
const name = "Dropbox"

// settings are the hub's Dropbox app.
type settings struct {
	AppKey    string        `env:"DROPBOX_ACTION_APP_KEY,required,notEmpty"`
	AppSecret action.Secret `env:"DROPBOX_ACTION_APP_SECRET,required,notEmpty"`
}

const (
	// home is the form's value for the user's own folder.
	home = "__root"
	// teamSpace precedes a folder of the team space in the form's values.
	teamSpace = "__team/"
)

// input is what the user enters.
type input struct {
	Directory string           `form:"directory,required"`
	Filename  string           `form:"filename,required"`
	Timestamp bool             `form:"includeTimestamp"`
	Overwrite bool             `form:"overwrite"`
	Gzip      objectstore.Gzip `form:"compression"`
}

// Integration writes files to Dropbox.
type Integration struct {
	http   *http.Client
	log    *slog.Logger
	signIn *signin.Provider
	// now is the clock of file names.
	now func() time.Time
	// chunk is the size of a file's chunks in bytes.
	chunk int
	retry deliver.Retry
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{
		http: deps.HTTP, log: deps.Log, signIn: provider(s, deps),
		now: time.Now, chunk: chunkSize, retry: retry,
	}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "dropbox", Label: "Dropbox", Description: "Send data directly to a Dropbox folder.",
		Types:      []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:   action.Push,
		MinVersion: action.V(6, 8, 0),
	}
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	if req.Data.Empty() {
		return nil, action.Errorf(action.Invalid, "No data sent from Looker to be sent to Dropbox.")
	}
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	options, err := datafile.Decode(req)
	if err != nil {
		return nil, err
	}
	data := options.Data(req)
	if in.Gzip {
		data = objectstore.Compress(data)
	}
	if options.Encrypts() {
		data = options.Encrypt(data)
	}
	path, err := in.path(req.Data.Extension(), i.now(), options)
	if err != nil {
		return nil, err
	}
	s := i.open(parseState(req.State))
	to, err := s.deliver(ctx, in, path, data)
	if err != nil {
		return signin.Forget(err), err
	}
	return &action.Response{Message: "Saved as " + path + to.suffix() + "."}, nil
}

// deliver writes the file, and returns where.
func (s *session) deliver(ctx context.Context, in input, path string, data action.Data) (target, error) {
	if err := s.locate(ctx); err != nil {
		return target{}, err
	}
	team, err := s.inTeamSpace(ctx, in.Directory)
	if err != nil {
		return target{}, err
	}
	to := target{place{path, team}, "add"}
	if in.Overwrite {
		to.mode = "overwrite"
	}
	return to, s.write(ctx, to, data)
}

// suffix completes a message.
func (p place) suffix() string {
	if p.team {
		return " in the team space"
	}
	return ""
}

// maxSegment is the maximum length of a file's or folder's name in characters:
// https://help.dropbox.com/organize/file-names
const maxSegment = 255

// path returns the file's path. The name is used unchanged, as existing schedules expect: slashes create folders,
// and the extension is appended even if the name ends with it.
func (in input) path(extension string, now time.Time, options datafile.Options) (string, error) {
	file := strings.TrimLeft(strings.TrimSpace(message.ExpandTime(in.Filename, options.Zone.In(now))), "/")
	if file == "" || strings.HasSuffix(file, "/") {
		return "", action.InvalidField("filename", "The filename must not be empty or end with a slash.")
	}
	if in.Timestamp {
		file += strconv.FormatInt(now.UnixMilli(), 10)
	}
	if extension != "" {
		file += "." + extension
	}
	if in.Gzip {
		file += ".gz"
	}
	if options.Encrypts() {
		file = options.EncryptedName(file)
	}
	path := "/" + file
	if directory := strings.Trim(strings.TrimPrefix(in.Directory, teamSpace), "/"); directory != home {
		path = "/" + directory + path
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		switch {
		case segment == "" || segment == "." || segment == "..":
			return "", action.InvalidField("filename", "The folder and the filename must not contain empty, \".\" or \"..\" path segments.")
		case len([]rune(segment)) > maxSegment:
			return "", action.InvalidField("filename", "A part of the filename is longer than the %d characters that Dropbox allows.", maxSegment)
		case strings.ContainsFunc(segment, unicode.IsControl):
			return "", action.InvalidField("filename", "The folder and the filename must not contain control characters.")
		}
	}
	return path, nil
}

// session is one user's access during one request.
type session struct {
	*signin.Session
	integration *Integration
	// root is nil until the account is located.
	root *rootInfo
}

func (i *Integration) open(t signin.Tokens) *session {
	return &session{Session: i.signIn.Open(t), integration: i}
}

// errUnexpected is the error for a JSON response without the expected fields.
var errUnexpected = action.Errorf(action.Unavailable, "Unexpected response from %s.", name)
