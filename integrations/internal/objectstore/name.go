package objectstore

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
)

// MaxName is the maximum length of an object's name: in bytes for Amazon S3 and Google Cloud Storage, and in
// characters for Azure:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
// https://cloud.google.com/storage/docs/objects#naming
// https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
const MaxName = 1024

// objectName returns the object's name. The filename is used unchanged, including slashes, as existing
// schedules expect. A path is joined with one slash. Without a filename, the request suggests one.
func objectName(req *action.Request, path, filename string) (string, error) {
	name := filename
	if strings.TrimSpace(name) == "" {
		name = req.SuggestedFilename()
	}
	if path = strings.Trim(strings.TrimSpace(path), "/"); path != "" {
		name = path + "/" + strings.TrimLeft(name, "/")
	}
	if name == "" || strings.HasSuffix(name, "/") {
		return "", action.InvalidField("filename", "Couldn't determine filename.")
	}
	return name, nil
}

// checkName rejects names that a store or its clients do not support. The error belongs to the field of the
// path, if there is one.
func checkName(name, destination string, hasPath bool) error {
	field := "filename"
	if hasPath {
		field = "path"
	}
	switch {
	case len(name) > MaxName:
		return action.InvalidField(field, "The object's name, with its path, is longer than the 1,024 bytes that %s allows.", destination)
	case strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
		return action.InvalidField(field, "The object's name must not contain control characters.")
	}
	// Clients that store objects as files cannot show such names, or write outside their folder.
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "." || segment == ".." {
			return action.InvalidField(field, "The object's name must not contain \".\" or \"..\" path segments.")
		}
	}
	return nil
}

// withTimestamp inserts the time, in milliseconds since 1970, before the name's extension.
func withTimestamp(name string, now time.Time) string {
	stem, extension := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > strings.LastIndexByte(name, '/') {
		stem, extension = name[:dot], name[dot:]
	}
	return fmt.Sprintf("%s_%d%s", stem, now.UnixMilli(), extension)
}
