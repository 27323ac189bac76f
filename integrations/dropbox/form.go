package dropbox

import (
	"context"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/objectstore"
	"integrationhub.dev/integrations/internal/signin"
)

// Form implements [action.FormBuilder]. Listing the folders checks the sign-in. The form asks for a new one only
// if Dropbox rejects it, and not during an outage.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	before := parseState(req.State)
	s := i.open(before)
	options, err := s.folderOptions(ctx)
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
	form := &action.Form{Fields: []action.Field{
		{
			Name: "directory", Label: "Select folder to save file", Type: action.Select, Required: true, Default: home, Options: options,
			Description: "Dropbox folder where your file will be saved",
		},
		{
			Name: "filename", Label: "Enter a name", Type: action.String, Required: true,
			Description: "The name of the file, without its extension. A slash creates a folder.",
		},
		{
			Name: "includeTimestamp", Label: "Append timestamp", Type: action.Select, Required: true, Default: "no",
			Options:     []action.Option{{Name: "yes", Label: "Yes"}, {Name: "no", Label: "No"}},
			Description: "Append timestamp to end of file name. Should be set to 'Yes' if the file will be sent repeatedly",
		},
		{
			Name: "overwrite", Label: "Overwrite", Type: action.Select, Default: "no",
			Options:     []action.Option{{Name: "no", Label: "No: fail"}, {Name: "yes", Label: "Yes"}},
			Description: "What to do if a file with this name already exists.",
		},
		objectstore.CompressionField(),
	}}
	form.Fields = slices.Concat(form.Fields, datafile.Fields(), datafile.EncryptionFields())
	if after := s.Tokens(); after != before {
		form.State = signin.Keep(after)
	}
	return form, nil
}

// folderOptions lists the folders in the user's own one, and those of the team space.
func (s *session) folderOptions(ctx context.Context) ([]action.Option, error) {
	if err := s.locate(ctx); err != nil {
		return nil, err
	}
	own, err := s.listFolders(ctx, place{})
	if err != nil {
		return nil, err
	}
	options := []action.Option{{Name: home, Label: "Home"}}
	for _, f := range own {
		options = append(options, action.Option{Name: f, Label: f})
	}
	if !s.root.hasTeamSpace() {
		return options, nil
	}
	team, err := s.listFolders(ctx, place{team: true})
	if err != nil {
		return nil, err
	}
	for _, f := range team {
		if !strings.EqualFold("/"+f, s.root.HomePath) {
			options = append(options, action.Option{Name: teamSpace + f, Label: f + " (team folder)"})
		}
	}
	return options, nil
}

// inTeamSpace reports whether a value of the field directory is in the team space. A name without prefix is a folder in the
// user's own one. If there is none, it can be a team folder: when a team changes to a team space, Dropbox moves its folders
// there from the members' own ones, and schedules keep the name.
func (s *session) inTeamSpace(ctx context.Context, directory string) (bool, error) {
	if strings.HasPrefix(directory, teamSpace) {
		return true, nil
	}
	top, _, _ := strings.Cut(strings.Trim(directory, "/"), "/")
	if top == home || !s.root.hasTeamSpace() {
		return false, nil
	}
	own, err := s.isFolder(ctx, place{path: "/" + top})
	if own || err != nil || !s.root.hasTeamSpace() {
		return false, err
	}
	return s.isFolder(ctx, place{path: "/" + top, team: true})
}
