// Package icons holds one picture for each integration, named after it.
package icons

import (
	"embed"
	"encoding/base64"
)

//go:embed *.svg
var files embed.FS

// DataURI returns an integration's icon as a data URI (RFC 2397), or "" where it has none.
func DataURI(name string) string {
	b, err := files.ReadFile(name + ".svg")
	if err != nil {
		return ""
	}
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(b)
}
