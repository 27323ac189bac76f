package page

import (
	"cmp"
	"math"

	"integrationhub.dev/hub/action"
)

// SignIn says who signs in at an integration's destination.
type SignIn int

// The ways to sign in.
const (
	NoSignIn SignIn = iota
	// UserSignIn means that each user signs in through the hub.
	UserSignIn
	// LookerSignIn means that Looker stores the credentials and sends them.
	LookerSignIn
)

// ByUser and ByLooker are for the template.
func (s SignIn) ByUser() bool { return s == UserSignIn }

// ByLooker reports whether Looker stores the credentials.
func (s SignIn) ByLooker() bool { return s == LookerSignIn }

// Integration is an available integration.
type Integration struct {
	action.Definition
	// Icon is a data URI, or "".
	Icon   string
	SignIn SignIn
	// APIs are the versions of the vendors' APIs in use.
	APIs []action.API
}

// Accepts names the supported action types.
func (i Integration) Accepts() []string {
	names := make([]string, len(i.Types))
	for n, t := range i.Types {
		names[n] = cmp.Or(typeNames[t], string(t))
	}
	return names
}

var typeNames = map[action.Type]string{
	action.TypeCell: "Single values", action.TypeQuery: "Query results",
	action.TypeDashboard: "Dashboards", action.TypeNone: "Requests without data",
}

// newest is newer than any version of Looker that an integration requires.
var newest = action.V(math.MaxInt32, 0, 0)

// FormatNames names the formats for the newest version of Looker; none means all of Looker's
// formats.
func (i Integration) FormatNames() []string {
	formats := i.Formats
	if i.FormatsFor != nil {
		formats = i.FormatsFor(newest)
	}
	names := make([]string, len(formats))
	for n, f := range formats {
		names[n] = cmp.Or(formatNames[f], string(f))
	}
	return names
}

var formatNames = map[action.Format]string{
	action.Txt: "Text", action.CSV: "CSV", action.CSVZip: "CSV, zipped",
	action.InlineJSON: "JSON, inline", action.JSON: "JSON", action.JSONBI: "JSON, for BI", action.JSONLabel: "JSON, labels",
	action.JSONDetail: "JSON, detailed", action.JSONDetailLiteStream: "JSON, detailed, as a stream",
	action.XLSX: "Excel", action.HTML: "HTML",
	action.WysiwygPDF: "PDF", action.AssembledPDF: "PDF, one column", action.WysiwygPNG: "PNG",
}

// Need is a field that a query must have.
type Need struct {
	Tags []string
	// Between separates the tags: the field needs any or all of them.
	Between string
}

// Needs returns the fields that a query must have, by their LookML tags.
func (i Integration) Needs() []Need {
	var needs []Need
	for _, f := range i.RequiredFields {
		if f.Tag != "" {
			needs = append(needs, Need{Tags: []string{f.Tag}})
		}
		if len(f.AnyTag) > 0 {
			needs = append(needs, Need{f.AnyTag, " or "})
		}
		if len(f.AllTags) > 0 {
			needs = append(needs, Need{f.AllTags, " and "})
		}
	}
	return needs
}
