package action

import (
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // the hub's image has no time zones of its own
)

// TimeZone is the time zone of a form. The zero value is UTC.
type TimeZone struct{ location *time.Location }

// timeZoneField is the name of the form field.
const timeZoneField = "time_zone"

// TimeZoneField is the form field for the time zone of the placeholders in file names. [Decode] reads
// it into a [TimeZone] with the tag `form:"time_zone"`.
func TimeZoneField() Field {
	return Field{
		Name: timeZoneField, Label: "Time Zone", Type: String,
		Description: "The time zone of the date in the file name, such as Europe/Berlin. UTC if empty.",
	}
}

var errTimeZone = errors.New("must be the name of a time zone in the IANA database, such as Europe/Berlin or America/New_York")

// UnmarshalText implements [encoding.TextUnmarshaler].
func (z *TimeZone) UnmarshalText(text []byte) error {
	name := strings.ReplaceAll(strings.TrimSpace(string(text)), " ", "_")
	location, err := time.LoadLocation(name)
	if err != nil || location == time.Local { // "Local" is the zone of the pod
		return errTimeZone
	}
	z.location = location
	return nil
}

// In returns the time in the zone.
func (z TimeZone) In(t time.Time) time.Time {
	if z.location == nil {
		return t.UTC()
	}
	return t.In(z.location)
}

// zone returns the form's time zone, or UTC if it is not valid, which [Decode] reports.
func (r *Request) zone() (z TimeZone) {
	if z.UnmarshalText([]byte(r.Form[timeZoneField])) != nil {
		return TimeZone{}
	}
	return z
}
