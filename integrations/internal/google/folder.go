package google

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// MyDrive is the form's value for a user's own drive, Root that for a drive's topmost folder.
const (
	MyDrive = "mydrive"
	Root    = "root"
)

// Folder is where a user wants files to be.
type Folder struct {
	Drive  string    `form:"drive"`
	Folder string    `form:"folder"`
	URL    folderURL `form:"folderid"`
}

// Shared is the id of the shared drive that was chosen; empty for the user's own.
func (f Folder) Shared() string {
	if f.Drive == MyDrive {
		return ""
	}
	return f.Drive
}

// ID is Drive's id of the folder. Of a shared drive, the topmost folder has the drive's id;
// "root" always stands for the user's own.
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

// folderURL is a folder's id, found in its address as the browser shows it.
type folderURL string

var (
	folderInPath = regexp.MustCompile(`/folders/([A-Za-z0-9_-]+)`)
	folderID     = regexp.MustCompile(`^[A-Za-z0-9_-]{10,}$`)
)

// UnmarshalText takes an address or an id. What is neither is refused: taking it for the
// topmost folder would put files where nobody looks for them.
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
