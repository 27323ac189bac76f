package google

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// MyDrive is the form's value for a user's own drive, and Root that for a drive's root folder.
const (
	MyDrive = "mydrive"
	Root    = "root"
)

// Folder is the folder that a user chose.
type Folder struct {
	Drive  string    `form:"drive"`
	Folder string    `form:"folder"`
	URL    folderURL `form:"folderid"`
}

// Shared returns the ID of the chosen shared drive, or "" for the user's own drive.
func (f Folder) Shared() string {
	if f.Drive == MyDrive {
		return ""
	}
	return f.Drive
}

// ID returns Drive's ID of the folder. The root folder of a shared drive has the drive's ID, while "root" is
// always the one of the user's own drive.
func (f Folder) ID() string {
	switch {
	case f.URL != "":
		return string(f.URL)
	case f.Folder != "" && f.Folder != Root:
		return f.Folder
	case f.Shared() != "":
		return f.Shared()
	}
	return Root
}

// folderURL is a folder's ID, parsed from its URL.
type folderURL string

var (
	folderInPath = regexp.MustCompile(`/folders/([A-Za-z0-9_-]+)`)
	folderID     = regexp.MustCompile(`^[A-Za-z0-9_-]{10,}$`)
)

// UnmarshalText implements [encoding.TextUnmarshaler] for a URL or an ID. It rejects anything else, because using
// the root folder instead would misplace files.
func (f *folderURL) UnmarshalText(text []byte) error {
	s := string(text)
	if m := folderInPath.FindStringSubmatch(s); m != nil {
		*f = folderURL(m[1])
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "my-drive"):
		*f = Root
	case folderID.MatchString(s):
		*f = folderURL(s)
	case err == nil && folderID.MatchString(u.Query().Get("id")):
		*f = folderURL(u.Query().Get("id"))
	default:
		return errors.New("must be the address of a folder, such as https://drive.google.com/drive/folders/1aBcDeFgHiJk")
	}
	return nil
}
