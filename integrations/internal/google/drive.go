package google

import (
	"context"
	"net/url"

	"integrationhub.dev/hub/action"
)

// Drive's API: https://developers.google.com/workspace/drive/api/reference/rest/v3
const (
	filesURL  = "https://www.googleapis.com/drive/v3/files"
	drivesURL = "https://www.googleapis.com/drive/v3/drives"
	uploadURL = "https://www.googleapis.com/upload/drive/v3/files"
)

// folderType is Drive's own media type of folders.
const folderType = "application/vnd.google-apps.folder"

// File is the metadata of a new file. Parents holds one folder.
type File struct {
	Name    string   `json:"name"`
	MIME    string   `json:"mimeType,omitempty"`
	Parents []string `json:"parents,omitempty"`
}

// named is a folder or a drive.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// maxPages limits the list of a form to the five thousand folders that were used last.
const maxPages = 5

// drives returns the shared drives of the user.
func (c *Client) drives(ctx context.Context) ([]named, error) {
	var all []named
	query := url.Values{"pageSize": {"100"}, "fields": {"nextPageToken,drives(id,name)"}}
	for {
		var page struct {
			Drives []named `json:"drives"`
			Next   string  `json:"nextPageToken"`
		}
		if err := c.Read(ctx, drivesURL, query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Drives...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("pageToken", page.Next)
	}
}

// folders returns the folders of a drive.
func (c *Client) folders(ctx context.Context, shared string) ([]named, error) {
	query := within(shared)
	query.Set("q", "mimeType = "+quote(folderType)+" and trashed = false")
	query.Set("orderBy", "recency desc")
	query.Set("pageSize", "1000")
	query.Set("fields", "nextPageToken,files(id,name)")
	var all []named
	for range maxPages {
		var page struct {
			Files []named `json:"files"`
			Next  string  `json:"nextPageToken"`
		}
		if err := c.Read(ctx, filesURL, query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Files...)
		if page.Next == "" {
			break
		}
		query.Set("pageToken", page.Next)
	}
	return all, nil
}

// within returns the parameters that limit a search to a drive.
func within(shared string) url.Values {
	query := url.Values{"supportsAllDrives": {"true"}, "includeItemsFromAllDrives": {"true"}}
	if shared == "" {
		query.Set("corpora", "user")
	} else {
		query.Set("corpora", "drive")
		query.Set("driveId", shared)
	}
	return query
}

// Place is a folder's ID, and the ID of its shared drive, if any.
type Place struct{ Folder, Shared string }

// Place returns the place of the user's choice. A folder from a URL is looked up, since it may not exist, or be in
// another drive than the chosen one.
func (c *Client) Place(ctx context.Context, f Folder) (Place, error) {
	switch f.URL {
	case "":
		return Place{f.ID(), f.Shared()}, nil
	case Root:
		return Place{Root, ""}, nil
	}
	var found struct {
		MIME    string `json:"mimeType"`
		Drive   string `json:"driveId"`
		Trashed bool   `json:"trashed"`
	}
	query := url.Values{"supportsAllDrives": {"true"}, "fields": {"mimeType,driveId,trashed"}}
	err := c.Read(ctx, filesURL+"/"+f.ID(), query, &found)
	switch {
	case action.KindOf(err) == action.NotFound, err == nil && (found.MIME != folderType || found.Trashed):
		return Place{}, action.InvalidField("folderid", "The folder does not exist, or the user cannot access it.")
	case err != nil:
		return Place{}, err
	}
	return Place{f.ID(), found.Drive}, nil
}
