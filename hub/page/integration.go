package page

import (
	"cmp"
	"html"
	"math"
	"regexp"

	"integrationhub.dev/hub/action"
)

// UserAuth says who signs in at an integration's destination.
type UserAuth int

// The ways to sign in.
const (
	NoSignIn UserAuth = iota
	// UserSignIn means that each user signs in through the hub.
	UserSignIn
	// LookerSignIn means that Looker stores the credentials and sends them.
	LookerSignIn
)

// Integration is an integration, whether it is available or not.
type Integration struct {
	// Definition may have nothing but a name if the integration is not available.
	action.Definition
	// Icon is a data URI, or "".
	Icon string
	// File has the definition of a no-code integration; otherwise "".
	File string
	// Upstream is the hub to which requests are passed, and UpstreamName the integration's name there; otherwise "".
	Upstream, UpstreamName string
	// Category is the kind of its destination.
	Category string
	// HasForm reports whether users fill in a form.
	HasForm bool
	SignIn  UserAuth
	// Reason is why it is not available, or "". It names settings, never their values.
	Reason string
	// Fault reports whether it is unavailable although somebody meant to enable it.
	Fault bool
	// Required and Optional are its settings on the hub.
	Required, Optional []string
	// README is its documentation as HTML, made from our own READMEs.
	README string
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

// Known reports whether the integration's definition is known.
func (i Integration) Known() bool { return i.Label != "" }

// Title is its label, or its name if the label is not known.
func (i Integration) Title() string { return cmp.Or(i.Label, i.Name) }

// Chapter is a heading of the documentation.
type Chapter struct{ ID, Title string }

var heading = regexp.MustCompile(`<h3 id="([a-z0-9-]+)">([^<]+)</h3>`)

// Chapters are the headings of the documentation.
func (i Integration) Chapters() []Chapter {
	var all []Chapter
	for _, m := range heading.FindAllStringSubmatch(i.README, -1) {
		all = append(all, Chapter{m[1], html.UnescapeString(m[2])})
	}
	return all
}
