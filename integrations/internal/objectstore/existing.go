package objectstore

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Existing says what becomes of an object that has the name already. The first two answers are
// those of the reference's form for Google Cloud Storage.
type Existing string

// The answers of the form's field. An empty one is Replace.
const (
	Replace Existing = "yes"
	// Stamp gives the new object another name, with the time in it.
	Stamp Existing = "no"
	// Keep refuses the delivery.
	Keep Existing = "fail"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *Existing) UnmarshalText(text []byte) error {
	switch *e = Existing(text); *e {
	case Replace, Stamp, Keep:
		return nil
	}
	return errors.New("must be yes, no or fail")
}

// stamped puts the time, in milliseconds since 1970, before the name's extension.
func stamped(name string, now time.Time) string {
	stem, extension := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > strings.LastIndexByte(name, '/') {
		stem, extension = name[:dot], name[dot:]
	}
	return fmt.Sprintf("%s_%d%s", stem, now.UnixMilli(), extension)
}
