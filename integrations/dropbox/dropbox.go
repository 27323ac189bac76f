// Package dropbox writes query results and dashboards into a user's Dropbox.
package dropbox

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
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

// home is the form's value for the root folder.
const home = "__root"

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

// Form implements [action.FormBuilder]. Listing the folders checks the sign-in. The form asks for a new one only
// if Dropbox rejects it, and not during an outage.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	before := parseState(req.State)
	s := i.open(before)
	folders, err := s.listFolders(ctx)
	if action.KindOf(err) == action.Unauthenticated {
		return &action.Form{Fields: []action.Field{{
			Name: "login", Type: action.OAuthLink, Label: "Log in", OAuthURL: req.LoginURL,
			Description: "In order to send to a Dropbox file or folder now and in the future, you will need to log in once to your " +
				"Dropbox account.",
		}}, State: &action.State{}}, nil
	}
	if err != nil {
		return nil, err
	}
	options := []action.Option{{Name: home, Label: "Home"}}
	for _, f := range folders {
		options = append(options, action.Option{Name: f, Label: f})
	}
	form := &action.Form{Fields: []action.Field{
		{
			Name: "directory", Label: "Select folder to save file", Type: action.Select, Required: true, Default: home, Options: options,
			Description: "Dropbox folder where your file will be saved",
		},
		{
			Name: "filename", Label: "Enter a name", Type: action.String, Required: true,
			Description: "The name of the file, without its extension. A slash in it makes a folder.",
		},
		{
			Name: "includeTimestamp", Label: "Append timestamp", Type: action.Select, Required: true, Default: "no",
			Options:     []action.Option{{Name: "yes", Label: "Yes"}, {Name: "no", Label: "No"}},
			Description: "Append timestamp to end of file name. Should be set to 'Yes' if the file will be sent repeatedly",
		},
		{
			Name: "overwrite", Label: "Overwrite", Type: action.Select, Default: "no",
			Options:     []action.Option{{Name: "no", Label: "No: fail"}, {Name: "yes", Label: "Yes"}},
			Description: "What to do when there is a file of this name already.",
		},
		objectstore.CompressionField(),
	}}
	form.Fields = slices.Concat(form.Fields, datafile.Fields(), datafile.EncryptionFields())
	if after := s.Tokens(); after != before {
		form.State = signin.Keep(after)
	}
	return form, nil
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
	err = s.write(ctx, in.commit(path), data)
	if err != nil {
		return signin.Forget(err), err
	}
	return &action.Response{Message: "Saved as " + path + "."}, nil
}

// commit returns the file's path, and what to do with an existing file.
func (in input) commit(path string) commit {
	if in.Overwrite {
		return commit{Path: path, Mode: "overwrite"}
	}
	return commit{Path: path, Mode: "add"}
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
	if directory := strings.Trim(in.Directory, "/"); directory != home {
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
}

func (i *Integration) open(t signin.Tokens) *session {
	return &session{i.signIn.Open(t), i}
}

// errUnexpected is the error for a JSON response without the expected fields.
var errUnexpected = action.Errorf(action.Unavailable, "Unexpected response from %s.", name)
