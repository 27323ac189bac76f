package microsoftsharepoint

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// oneDrive is the form's value for the user's own OneDrive.
const oneDrive = "onedrive"

// input is what the user enters about the folder.
type input struct {
	Site    string     `form:"site"`
	SiteURL siteURL    `form:"siteurl"`
	Library string     `form:"library"`
	Folder  folderPath `form:"folder"`
}

// siteURL is the address of a site, as its server and its path.
type siteURL struct{ host, path string }

// UnmarshalText implements [encoding.TextUnmarshaler]. The host is a part of a path of Graph's, and is not connected to.
func (s *siteURL) UnmarshalText(text []byte) error {
	u, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("must be the URL of a site, such as https://contoso.sharepoint.com/sites/sales")
	}
	*s = siteURL{u.Hostname(), strings.Trim(u.Path, "/")}
	return nil
}

// folderPath is the path of a folder in a library, without slashes around it. The top is empty.
type folderPath string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (f *folderPath) UnmarshalText(text []byte) error {
	path := strings.Trim(string(text), "/")
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." || segment == "" && path != "" {
			return errors.New(`must not contain empty, "." or ".." path segments`)
		}
	}
	*f = folderPath(path)
	return nil
}

// Form implements [action.FormBuilder]. Each choice determines what the next one offers.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	s := i.open(signin.Kept[signin.Tokens](req.State))
	fields, err := s.fields(ctx, in)
	if action.KindOf(err) == action.Unauthenticated {
		return &action.Form{Fields: []action.Field{{
			Name: "login", Type: action.OAuthLink, Label: "Log in", OAuthURL: req.LoginURL,
			Description: "In order to send to SharePoint or OneDrive, you will need to log in once to your Microsoft account.",
		}}, State: &action.State{}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: append(fields, fileFields()...), State: s.Renewed()}, nil
}

func (s *session) fields(ctx context.Context, in input) ([]action.Field, error) {
	sites, err := s.sites(ctx)
	if err != nil {
		return nil, err
	}
	site := action.Field{
		Name: "site", Label: "Site", Type: action.Select, Required: true, Interactive: true, Default: oneDrive,
		Description: "The SharePoint site, or your OneDrive.",
		Options:     options(action.Option{Name: oneDrive, Label: "My OneDrive"}, sites),
	}
	address := action.Field{
		Name: "siteurl", Label: "Site URL", Type: action.String, Interactive: true,
		Description: "The URL of a site that is not in the list, such as https://contoso.sharepoint.com/sites/sales. It is used instead " +
			"of the choice above.",
	}
	fields := []action.Field{site, address}
	id, err := s.site(ctx, in)
	if err != nil {
		return nil, err
	}
	if id != "" {
		libraries, err := s.libraries(ctx, id)
		if err != nil {
			return nil, err
		}
		fields = append(fields, libraryField(libraries))
		if !slices.ContainsFunc(libraries, func(l entry) bool { return l.ID == in.Library }) {
			in.Library = libraries[0].ID // another site's, or none yet
		}
	}
	folder, err := s.folderField(ctx, in)
	return append(fields, folder), err
}

func libraryField(libraries []entry) action.Field {
	all := options(action.Option{}, libraries)[1:]
	return action.Field{
		Name: "library", Label: "Document library", Type: action.Select, Required: true, Interactive: true, Default: all[0].Name, Options: all,
		Description: "The document library of the site.",
	}
}

// folderField offers the way from the top to the chosen folder, and the folders in it.
func (s *session) folderField(ctx context.Context, in input) (action.Field, error) {
	drive, err := s.drive(ctx, in)
	if err != nil {
		return action.Field{}, err
	}
	current := string(in.Folder)
	children, err := s.folders(ctx, drive, current)
	if action.KindOf(err) == action.NotFound && current != "" { // another library's
		current = ""
		children, err = s.folders(ctx, drive, current)
	}
	if err != nil {
		return action.Field{}, err
	}
	field := action.Field{
		Name: "folder", Label: "Folder", Type: action.Select, Interactive: true, Default: "/",
		Description: "The folder that the file is written to. Select one to see the folders in it.",
		Options:     []action.Option{{Name: "/", Label: "Top of the library"}},
	}
	var at strings.Builder
	for segment := range strings.SplitSeq(current, "/") {
		if segment != "" {
			at.WriteString("/" + segment)
			field.Options = append(field.Options, action.Option{Name: at.String(), Label: at.String()})
		}
	}
	for _, child := range children {
		field.Options = append(field.Options, action.Option{Name: at.String() + "/" + child.Name, Label: at.String() + "/" + child.Name})
	}
	return field, nil
}

func options(first action.Option, more []entry) []action.Option {
	all := []action.Option{first}
	for _, e := range more {
		all = append(all, action.Option{Name: e.ID, Label: e.label()})
	}
	return all
}
