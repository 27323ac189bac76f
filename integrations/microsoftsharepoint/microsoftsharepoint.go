// Package microsoftsharepoint writes query results and dashboards into SharePoint's document libraries and users' OneDrives.
package microsoftsharepoint

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/objectstore"
	"integrationhub.dev/integrations/internal/signin"
	"integrationhub.dev/integrations/internal/spooled"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// name is the destination's name in messages.
const name = "Microsoft 365"

// settings are the hub's app registration at Microsoft.
type settings struct {
	ClientID     string        `env:"MICROSOFT_SHAREPOINT_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"MICROSOFT_SHAREPOINT_CLIENT_SECRET,required,notEmpty"`
	Tenant       tenant        `env:"MICROSOFT_SHAREPOINT_TENANT" envDefault:"organizations"`
	Cloud        cloudName     `env:"MICROSOFT_SHAREPOINT_CLOUD" envDefault:"global"`
}

// Integration writes files to SharePoint and OneDrive.
type Integration struct {
	http   *http.Client
	log    *slog.Logger
	signIn *signin.Provider
	cloud  cloud
	// fragment is the size of an upload's fragments in bytes, a multiple of 320 KiB.
	fragment int
	retry    deliver.Retry
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	c := clouds[s.Cloud]
	return &Integration{
		http: deps.HTTP, log: deps.Log, signIn: provider(s, c, deps), cloud: c, fragment: fragmentSize, retry: retry,
	}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "microsoft_sharepoint", Label: "Microsoft SharePoint and OneDrive",
		Description: "Write a file to a SharePoint document library or to OneDrive.",
		Types:       []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:    action.URL,
		MinVersion:  action.V(7, 3, 0),
		FetchTokens: true,
	}
}

// Execute implements [action.Integration]. New tokens go back to Looker even if the delivery fails.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	tokens := signin.Kept[signin.Tokens](req.State)
	if tokens == (signin.Tokens{}) {
		err := i.signIn.Required()
		return signin.Forget(err), err
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
	res := &action.Response{}
	err = s.deliver(ctx, in, f)
	if err == nil {
		res.Message = "Saved as " + f.Name + "."
	}
	if forget := signin.Forget(err); forget != nil {
		return forget, err
	}
	res.State = s.Renewed()
	return res, err
}

// deliver finds the folder and writes the file.
func (s *session) deliver(ctx context.Context, in input, f *spooled.File) error {
	drive, err := s.drive(ctx, in)
	if err != nil {
		return err
	}
	folder, err := s.folder(ctx, drive, string(in.Folder))
	if err != nil {
		return err
	}
	return s.write(ctx, place{drive: drive, folder: folder, name: f.Name, conflict: conflictOf(f)}, f)
}

// replace is the conflict behavior of a file that may be replaced, in Graph's words.
const replace = "replace"

// conflictOf is what to do with an existing file, in Graph's words. A name with the time in it is not expected to exist.
func conflictOf(f *spooled.File) string {
	if f.NoOverwrite {
		return "fail"
	}
	return replace
}

// maxPath is the maximum length of a path in characters, and notAllowed are characters that no name has:
// https://support.microsoft.com/office/64883a5d-228e-48f5-b3d2-eb39e07630fa
const (
	maxPath    = 400
	maxName    = 255
	notAllowed = `"*:<>?\|`
)

// checkName rejects names that SharePoint rejects, but does not explain.
func checkName(name string) error {
	for segment := range strings.SplitSeq(name, "/") {
		switch {
		case segment == "":
			return action.InvalidField("filename", "The filename must not have empty path segments.")
		case strings.ContainsAny(segment, notAllowed):
			return action.InvalidField("filename", "The filename must not contain any of the characters %s", notAllowed)
		case segment != strings.Trim(segment, " ") || strings.HasSuffix(segment, "."):
			return action.InvalidField("filename", "A part of the filename must not begin or end with a space, or end with a period.")
		case reserved(segment):
			return action.InvalidField("filename", "SharePoint does not allow the filename %s.", segment)
		case utf8.RuneCountInString(segment) > maxName:
			return action.InvalidField("filename", "A part of the filename is longer than the %d characters that SharePoint allows.", maxName)
		}
	}
	if utf8.RuneCountInString(name) > maxPath {
		return action.InvalidField("filename", "The filename is longer than the %d characters that SharePoint allows.", maxPath)
	}
	return nil
}

// reserved reports whether a name is one that Windows or SharePoint keeps for itself.
func reserved(name string) bool {
	lower := strings.ToLower(name)
	stem := strings.TrimSuffix(lower, path.Ext(lower))
	switch {
	case strings.HasPrefix(lower, "~$"), strings.Contains(lower, "_vti_"), lower == ".lock", lower == "desktop.ini":
		return true
	case stem == "con", stem == "prn", stem == "aux", stem == "nul":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "com" || stem[:3] == "lpt") && stem[3] >= '0' && stem[3] <= '9'
}

// fileFields are the form's last fields.
func fileFields() []action.Field { return objectstore.FileFields() }
