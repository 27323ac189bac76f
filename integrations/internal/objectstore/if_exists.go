package objectstore

import (
	"fmt"
	"strings"
	"time"

	"integrationhub.dev/integrations/internal/choice"
)

// IfExists says what to do if an object with this name exists. The first two values are contract:
// the reference's form for Google Cloud Storage has them.
type IfExists string

// The answers of the form's field. An empty one is Overwrite.
const (
	Overwrite IfExists = "yes"
	// AppendTimestamp appends the time to the new object's name.
	AppendTimestamp IfExists = "no"
	// Fail makes the delivery fail.
	Fail IfExists = "fail"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *IfExists) UnmarshalText(text []byte) error {
	return choice.Parse(e, string(text), Overwrite, AppendTimestamp, Fail)
}

// withTimestamp puts the time, in milliseconds since 1970, before the name's extension.
func withTimestamp(name string, now time.Time) string {
	stem, extension := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > strings.LastIndexByte(name, '/') {
		stem, extension = name[:dot], name[dot:]
	}
	return fmt.Sprintf("%s_%d%s", stem, now.UnixMilli(), extension)
}
