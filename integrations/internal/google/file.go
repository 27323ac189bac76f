package google

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// quote returns a string in Drive's query language:
// https://developers.google.com/workspace/drive/api/guides/ref-search-terms
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// Find returns the ID of the oldest file with this name in the place, or "". An empty mime matches all types.
func (c *Client) Find(ctx context.Context, at Place, name, mime string) (string, error) {
	query := within(at.Shared)
	typed := ""
	if mime != "" {
		typed = " and mimeType = " + quote(mime)
	}
	query.Set("q", fmt.Sprintf("name = %s and %s in parents%s and trashed = false", quote(name), quote(at.Folder), typed))
	query.Set("orderBy", "createdTime")
	query.Set("fields", "nextPageToken,files(id,name)")
	for {
		var page struct {
			Files []named `json:"files"`
			Next  string  `json:"nextPageToken"`
		}
		if err := c.Read(ctx, filesURL, query, &page); err != nil {
			return "", err
		}
		for _, found := range page.Files {
			if found.Name == name { // Drive's comparison ignores case
				return found.ID, nil
			}
		}
		if page.Next == "" {
			return "", nil
		}
		query.Set("pageToken", page.Next)
	}
}

// Create creates a file without content and returns its ID.
func (c *Client) Create(ctx context.Context, f File) (string, error) {
	var made named
	err := deliver.Once{Name: c.Name}.Do(ctx, func(ctx context.Context) error {
		return c.Once(ctx, http.MethodPost, filesURL, url.Values{"supportsAllDrives": {"true"}, "fields": {"id"}}, f, &made)
	})
	if err == nil && made.ID == "" {
		err = c.notUnderstood()
	}
	return made.ID, err
}

// Rename gives a file another name.
func (c *Client) Rename(ctx context.Context, id, name string) error {
	return c.Write(ctx, http.MethodPatch, filesURL+"/"+url.PathEscape(id), url.Values{"supportsAllDrives": {"true"}, "fields": {"id"}},
		map[string]string{"name": name}, nil)
}

// Remove deletes a file, or moves it to the trash if the user may not delete it.
func (c *Client) Remove(ctx context.Context, id string) error {
	address, query := filesURL+"/"+url.PathEscape(id), url.Values{"supportsAllDrives": {"true"}}
	err := c.Write(ctx, http.MethodDelete, address, query, nil, nil)
	if action.KindOf(err) == action.Forbidden {
		err = c.Write(ctx, http.MethodPatch, address, query, map[string]bool{"trashed": true}, nil)
	}
	if action.KindOf(err) == action.NotFound {
		return nil
	}
	return err
}
