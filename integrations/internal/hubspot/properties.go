package hubspot

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/timestamp"
)

// property is a property's definition
// (https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide).
type property struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	FieldType string `json:"fieldType"`
	Unique    bool   `json:"hasUniqueValue"`
}

// properties reads the definitions of the object's properties, by name. HubSpot lists no sensitive ones, so one
// that is missing may exist. The scope to write records is enough.
func (c *client) properties(ctx context.Context) (map[string]property, error) {
	var answer struct {
		Results []property `json:"results"`
	}
	if err := c.call(ctx, http.MethodGet, c.version.path("properties", c.object.Type), nil, &answer, c.explain); err != nil {
		return nil, err
	}
	all := make(map[string]property, len(answer.Results))
	for _, p := range answer.Results {
		all[p.Name] = p
	}
	return all, nil
}

// checkUnique checks that records can be matched by a property. HubSpot allows only properties with unique values: the
// email address of a contact, and custom ones that were created so. A company's domain is none, unless HubSpot
// changes its definition: "Unable to perform update/upsert by non-unique 0-2 property domain". The definition of
// the email address does not say that it is unique.
func (o Object) checkUnique(in input, all map[string]property) error {
	if in.MatchBy == matchRecordID || in.MatchBy == matchEmail {
		return nil
	}
	p, found := all[in.Property]
	switch {
	case !found:
		return action.InvalidField("match_property", "HubSpot has no %s property named %s.", o.One, identifier(in.Property))
	case !p.Unique:
		return action.InvalidField("match_by", "HubSpot matches %s only by properties with unique values, which %s is not. "+
			"Create a property with unique values for your own ID, and match by it.", o.Type, identifier(in.Property))
	}
	return nil
}

// format returns how a property of a type takes the values of a column, or nil if as they are.
func (p property) format() func(string) string {
	switch {
	case p.Type == "date":
		return asDate
	case p.Type == "datetime":
		return asDatetime
	case p.Type == "bool", p.FieldType == "booleancheckbox":
		return asBool
	}
	return nil
}

// asBool returns what HubSpot has for Looker's yesno.
func asBool(text string) string {
	switch text {
	case "Yes":
		return "true"
	case "No":
		return "false"
	}
	return text
}

// parseTime parses a date or time, or milliseconds since 1970. Times without an offset are in the query's time
// zone, which the result does not name, and taken as UTC.
func parseTime(text string) (time.Time, bool) {
	if t, err := timestamp.In(action.TimeZone{}, text); err == nil {
		return t.UTC(), true
	}
	const minMillis = 1e11 // 1973: smaller numbers may be something else, such as a year
	if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil && (n >= minMillis || n <= -minMillis) {
		return time.UnixMilli(n).UTC(), true
	}
	return time.Time{}, false
}

// asDate returns a day. HubSpot rejects times other than midnight UTC, and recommends the date alone. Other texts
// stay as they are: HubSpot then says what is wrong with them.
func asDate(text string) string {
	if t, ok := parseTime(text); ok {
		return t.Format(time.DateOnly)
	}
	return text
}

// asDatetime returns a time in UTC, in ISO 8601.
func asDatetime(text string) string {
	if t, ok := parseTime(text); ok {
		return t.Format("2006-01-02T15:04:05.999Z07:00")
	}
	return text
}
