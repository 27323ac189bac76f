package googletest

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action/actiontest"
)

// page cuts a list. The token of the next page is where it begins.
func page[T any](f *Fake, r actiontest.Recorded, key string, all []T) actiontest.Reply {
	from := 0
	if token := r.Query.Get("pageToken"); token != "" {
		var err error
		if from, err = strconv.Atoi(token); err != nil || from > len(all) {
			return bad("Invalid Value: pageToken")
		}
	}
	answer := map[string]any{key: all[from:min(from+f.PageSize, len(all))]}
	if from+f.PageSize < len(all) {
		answer["nextPageToken"] = strconv.Itoa(from + f.PageSize)
	}
	return JSON(http.StatusOK, answer)
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (f *Fake) listDrives(r actiontest.Recorded) actiontest.Reply {
	var all []named
	for _, id := range slices.Sorted(maps.Keys(f.Drives)) {
		all = append(all, named{id, f.Drives[id]})
	}
	return page(f, r, "drives", all)
}

// text is a string of Drive's query language.
const text = `'((?:[^'\\]|\\.)*)'`

var (
	byType = regexp.MustCompile(`^mimeType = ` + text + ` and trashed = false$`)
	byName = regexp.MustCompile(`^name = ` + text + ` and ` + text + ` in parents and mimeType = ` + text + ` and trashed = false$`)
	escape = regexp.MustCompile(`\\(.)`)
)

func unquote(text string) string { return escape.ReplaceAllString(text, "$1") }

// matching understands the queries that there are.
func matching(q string) func(*File) bool {
	if m := byType.FindStringSubmatch(q); m != nil {
		return func(file *File) bool { return file.MIME == m[1] }
	}
	if m := byName.FindStringSubmatch(q); m != nil {
		return func(file *File) bool {
			return strings.EqualFold(file.Name, unquote(m[1])) && file.Parent == unquote(m[2]) && file.MIME == m[3]
		}
	}
	return nil
}

func (f *Fake) list(r actiontest.Recorded) actiontest.Reply {
	q := r.Query
	drive := q.Get("driveId")
	if q.Get("includeItemsFromAllDrives") != "true" || q.Get("supportsAllDrives") != "true" ||
		(q.Get("corpora") == "drive") != (drive != "") || drive == "" && q.Get("corpora") != "user" {
		return bad("The drive and the corpora do not fit")
	}
	if drive != "" && f.Drives[drive] == "" {
		return Refusal(http.StatusNotFound, "notFound", "Shared drive not found: "+drive)
	}
	keep := matching(q.Get("q"))
	if keep == nil {
		return bad("Invalid Value: q")
	}
	all := []named{}
	for _, file := range f.Files {
		if file.Drive == drive && !file.Trashed && keep(file) {
			all = append(all, named{file.ID, file.Name})
		}
	}
	return page(f, r, "files", all)
}

func (f *Fake) file(id string) *File {
	i := slices.IndexFunc(f.Files, func(file *File) bool { return file.ID == id })
	if i < 0 {
		return nil
	}
	return f.Files[i]
}

// known finds the file that a call is about.
func (f *Fake) known(r actiontest.Recorded, id string, do func(*File) actiontest.Reply) actiontest.Reply {
	file := f.file(id)
	if file == nil || file.Drive != "" && r.Query.Get("supportsAllDrives") != "true" {
		return Refusal(http.StatusNotFound, "notFound", "File not found: "+id+".")
	}
	return do(file)
}

func (f *Fake) get(r actiontest.Recorded, id string) actiontest.Reply {
	return f.known(r, id, func(file *File) actiontest.Reply {
		return JSON(http.StatusOK, map[string]any{"mimeType": file.MIME, "driveId": file.Drive, "trashed": file.Trashed})
	})
}

func (f *Fake) patch(r actiontest.Recorded, id string) actiontest.Reply {
	return f.known(r, id, func(file *File) actiontest.Reply {
		var change struct {
			Name    *string `json:"name"`
			Trashed *bool   `json:"trashed"`
		}
		if json.Unmarshal(r.Body, &change) != nil {
			return bad("Parse Error")
		}
		if change.Name != nil {
			file.Name = *change.Name
		}
		if change.Trashed != nil {
			file.Trashed = *change.Trashed
		}
		return JSON(http.StatusOK, named{file.ID, file.Name})
	})
}

func (f *Fake) remove(r actiontest.Recorded, id string) actiontest.Reply {
	return f.known(r, id, func(*File) actiontest.Reply {
		if f.CannotDelete {
			return Refusal(http.StatusForbidden, "insufficientFilePermissions", "The user does not have sufficient permissions for this file.")
		}
		f.Files = slices.DeleteFunc(f.Files, func(file *File) bool { return file.ID == id })
		return actiontest.Reply{Status: http.StatusNoContent}
	})
}

// described reads what is said of a file that is to be made.
func (f *Fake) described(r actiontest.Recorded) (*File, *actiontest.Reply) {
	var said struct {
		ID      string   `json:"id"`
		Name    string   `json:"name"`
		MIME    string   `json:"mimeType"`
		Parents []string `json:"parents"`
		Drive   string   `json:"driveId"`
	}
	refuse := func(reply actiontest.Reply) (*File, *actiontest.Reply) { return nil, &reply }
	if json.Unmarshal(r.Body, &said) != nil || said.Name == "" || len(said.Parents) != 1 || said.Drive != "" {
		return refuse(bad("The file's description is not valid"))
	}
	made := &File{ID: said.ID, Name: said.Name, MIME: said.MIME, Parent: said.Parents[0]}
	switch folder := f.file(made.Parent); {
	case f.Drives[made.Parent] != "":
		made.Drive = made.Parent
	case folder != nil:
		made.Drive = folder.Drive
	case made.Parent != "root":
		return refuse(Refusal(http.StatusNotFound, "notFound", "File not found: "+made.Parent+"."))
	}
	if made.Drive != "" && r.Query.Get("supportsAllDrives") != "true" {
		return refuse(Refusal(http.StatusNotFound, "notFound", "File not found: "+made.Parent+"."))
	}
	return made, nil
}
