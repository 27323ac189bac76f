package google

import (
	"context"

	"integrationhub.dev/hub/action"
)

// Param is the setting in Looker for the allowed accounts.
var Param = action.Param{
	Name: "domain_allowlist", Label: "Domain Allowlist",
	Description: "Comma separated domain allowlist ex: facts.com,car.com. Be advised that if this is enabled after, all existing " +
		"accounts will have to reauth due to an additional scope needed to check the email address.",
}

// Access is what [Param] sets.
type Access struct {
	Domains []string `param:"domain_allowlist"`
}

// Form returns the fields for a folder and a name, or for the sign-in if it is missing or not valid. During an
// outage of Google, it returns an error.
func (s *Service) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	access, err := action.Decode[Access](req)
	if err != nil {
		return nil, err
	}
	c := s.Open(req.State)
	var fields []action.Field
	if err = c.Allowed(ctx, access.Domains); err == nil {
		fields, err = c.fields(ctx, req.Form)
	}
	if action.KindOf(err) == action.Unauthenticated {
		return &action.Form{Fields: []action.Field{{
			Name: "login", Type: action.OAuthLinkGoogle, Label: "Log in", OAuthURL: req.LoginURL,
			Description: c.why(err) + "In order to send to Google Drive, you will need to log in once to your Google account. " +
				"WebhookID if oauth fails: " + req.WebhookID,
		}}, State: &action.State{}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: fields, State: c.State()}, nil
}

// why returns the reason for a repeated sign-in.
func (c *Client) why(err error) string {
	if c.session.Tokens().Access == "" {
		return ""
	}
	return action.MessageOf(err) + " "
}

// fields returns the fields for a folder and a name. Folders are listed only on demand, because that is slow.
func (c *Client) fields(ctx context.Context, answers map[string]string) ([]action.Field, error) {
	drives, err := c.drives(ctx)
	if err != nil {
		return nil, err
	}
	fields := []action.Field{{
		Name: "drive", Label: "Select Drive to save file", Type: action.Select, Required: true, Interactive: true,
		Description: "Google Drive where your file will be saved", Default: MyDrive,
		Options: options(action.Option{Name: MyDrive, Label: "My Drive"}, drives),
	}}
	if answers["fetchpls"] != "" {
		folders, err := c.folders(ctx, Folder{Drive: answers["drive"]}.Shared())
		if err != nil {
			return nil, err
		}
		fields = append(fields, action.Field{
			Name: "folder", Label: "Select folder to save file", Type: action.Select, Required: true,
			Description: "Google Drive folder where your file will be saved", Default: Root,
			Options: options(action.Option{Name: Root, Label: "Drive Root"}, folders),
		})
	} else {
		fields = append(fields, action.Field{
			Name: "folderid", Label: "Google Drive Destination URL", Type: action.String,
			Description: "The full address of a folder, such as https://drive.google.com/drive/folders/1aBcDeFgHiJk, as the browser " +
				"shows it. Without a folder, the file is written to the root of the drive.",
		}, action.Field{
			Name: "fetchpls", Label: "Select Fetch to fetch a list of folders in this drive", Type: action.Select, Interactive: true,
			Description: "Fetch folders", Options: []action.Option{{Name: "fetch", Label: "Fetch"}},
		})
	}
	return append(fields, action.Field{Name: "filename", Label: "Enter a filename", Type: action.String, Required: true}), nil
}

func options(first action.Option, more []named) []action.Option {
	all := []action.Option{first}
	for _, n := range more {
		all = append(all, action.Option{Name: n.ID, Label: n.Name})
	}
	return all
}
