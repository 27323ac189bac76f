package box

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/objectstore"
	"integrationhub.dev/integrations/internal/signin"
)

// Form implements [action.FormBuilder].
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	s := i.open(signin.Kept[signin.Tokens](req.State))
	folder, err := s.folderField(ctx, in.Folder.orTop())
	if action.KindOf(err) == action.Unauthenticated {
		return &action.Form{Fields: []action.Field{{
			Name: "login", Type: action.OAuthLink, Label: "Log in", OAuthURL: req.LoginURL,
			Description: "In order to send to a Box folder, you will need to log in once to your Box account.",
		}}, State: &action.State{}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: append([]action.Field{folder}, objectstore.FileFields()...), State: s.Renewed()}, nil
}

// entry is a folder or a file.
type entry struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// folderField offers the way from the top to the chosen folder, and the folders in it.
func (s *session) folderField(ctx context.Context, id string) (action.Field, error) {
	way, err := s.way(ctx, id)
	if action.KindOf(err) == action.NotFound && id != top { // it was deleted, or is not the user's
		id = top
		way, err = s.way(ctx, id)
	}
	if err != nil {
		return action.Field{}, err
	}
	children, err := s.folders(ctx, id)
	if err != nil {
		return action.Field{}, err
	}
	field := action.Field{
		Name: "folder", Label: "Folder", Type: action.Select, Required: true, Interactive: true, Default: top,
		Description: "The folder that the file is written to. Select one to see the folders in it.",
	}
	path := ""
	for _, folder := range way {
		path = strings.TrimPrefix(path+" / "+folder.Name, " / ")
		field.Options = append(field.Options, action.Option{Name: folder.ID, Label: path})
	}
	for _, child := range children {
		field.Options = append(field.Options, action.Option{Name: child.ID, Label: path + " / " + child.Name})
	}
	return field, nil
}

// way returns the folders from the top to a folder: https://developer.box.com/reference/get-folders-id
func (s *session) way(ctx context.Context, id string) ([]entry, error) {
	var folder struct {
		entry
		Path struct {
			Entries []entry `json:"entries"`
		} `json:"path_collection"`
	}
	err := s.read(ctx, outbound.Path("folders", id), url.Values{"fields": {"id,type,name,path_collection"}}, &folder)
	return append(folder.Path.Entries, folder.entry), err
}

const (
	// pageSize is the largest page of entries that Box returns, and maxPages limits the list of the form.
	pageSize = "1000"
	maxPages = 5
)

// folders lists the folders in a folder: https://developer.box.com/reference/get-folders-id-items
func (s *session) folders(ctx context.Context, id string) ([]entry, error) {
	var all []entry
	query := url.Values{"fields": {"id,type,name"}, "limit": {pageSize}, "usemarker": {"true"}}
	for range maxPages {
		var page struct {
			Entries []entry `json:"entries"`
			Next    string  `json:"next_marker"`
		}
		if err := s.read(ctx, outbound.Path("folders", id, "items"), query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Entries...)
		if page.Next == "" {
			break
		}
		query.Set("marker", page.Next)
	}
	all = slices.DeleteFunc(all, func(e entry) bool { return e.Type != "folder" })
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// read reads a resource, and retries if that can help.
func (s *session) read(ctx context.Context, path string, query url.Values, out any) error {
	return s.integration.retry.Do(ctx, func(ctx context.Context) error {
		return s.call(ctx, readTimeout, http.MethodGet, apiURL+outbound.WithQuery(path, query), nil, out)
	})
}
