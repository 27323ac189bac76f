package action

// Definition describes an integration to Looker. The hub adds what it knows itself: the
// URLs, the icon, and whether there is a form or a sign-in.
type Definition struct {
	// Name is the name on the wire. It is part of people's schedules and never changes.
	Name        string
	Label       string
	Description string
	// Params are the settings that a Looker administrator enters once.
	Params []Param
	// RequiredFields are the LookML tags that a query must carry.
	RequiredFields []RequiredField
	// Types are the kinds of request that the integration takes.
	Types []Type
	// Formats are the data formats it takes; nil leaves the choice to Looker.
	Formats []Format
	// FormatsFor overrides Formats where the answer depends on Looker's version.
	FormatsFor func(Version) []Format
	// Formattings and VisFormattings restrict how Looker renders values; nil leaves it to Looker.
	Formattings    []Formatting
	VisFormattings []VisFormatting
	// Download says how Looker hands the data over.
	Download Download
	// MinVersion is the oldest Looker that can use the integration.
	MinVersion Version
	// LoginParams names the params that a sign-in needs to know, such as where the user's own
	// domain at the service is. They travel sealed in the browser's address bar.
	LoginParams []string
	// FetchTokens makes Looker fetch the user's tokens from the hub after a sign-in, in place
	// of being handed them: it then sends state_redir_url with the form.
	FetchTokens bool
}

// Param is a setting that a Looker administrator enters for an integration.
type Param struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Required    bool   `json:"required"`
	Sensitive   bool   `json:"sensitive"`
	Description string `json:"description,omitempty"`
	// PerUser asks for a value of each user's own, kept in a Looker user attribute.
	PerUser           bool   `json:"per_user,omitempty"`
	UserAttributeName string `json:"user_attribute_name,omitempty"`
	// DelegateOAuthURL is the page of Looker that manages the credentials.
	DelegateOAuthURL string `json:"delegate_oauth_url,omitempty"`
}

// RequiredField asks for fields in the query by their LookML tags.
type RequiredField struct {
	Tag     string   `json:"tag,omitempty"`
	AnyTag  []string `json:"any_tag,omitempty"`
	AllTags []string `json:"all_tags,omitempty"`
}

// Type is a kind of request.
type Type string

// The kinds of request that Looker makes.
const (
	TypeCell      Type = "cell"
	TypeQuery     Type = "query"
	TypeDashboard Type = "dashboard"
	TypeNone      Type = "none"
)

// Format is a data format that Looker can send.
type Format string

// The formats of Looker's API 4.0 (supported_formats).
const (
	Txt                  Format = "txt"
	CSV                  Format = "csv"
	CSVZip               Format = "csv_zip"
	InlineJSON           Format = "inline_json"
	JSON                 Format = "json"
	JSONBI               Format = "json_bi"
	JSONLabel            Format = "json_label"
	JSONDetail           Format = "json_detail"
	JSONDetailLiteStream Format = "json_detail_lite_stream"
	XLSX                 Format = "xlsx"
	HTML                 Format = "html"
	WysiwygPDF           Format = "wysiwyg_pdf"
	AssembledPDF         Format = "assembled_pdf"
	WysiwygPNG           Format = "wysiwyg_png"
)

// RowFormats are the formats to ask for by one who reads row by row: Looker 6.2 and later
// stream json_detail without what only a table on a page needs.
func RowFormats(v Version) []Format {
	if v.AtLeast(V(6, 2, 0)) {
		return []Format{JSONDetailLiteStream}
	}
	return []Format{JSONDetail}
}

// Formatting says whether values are rendered by their LookML format.
type Formatting string

// VisFormatting says whether the visualisation's options apply to the values.
type VisFormatting string

// What Looker may be asked for (supported_formattings, supported_visualization_formattings).
const (
	Formatted   Formatting    = "formatted"
	Unformatted Formatting    = "unformatted"
	Apply       VisFormatting = "apply"
	NoApply     VisFormatting = "noapply"
)

// Download says how Looker hands over the data.
type Download string

// The two ways: in the request's body, or at an address that serves it once.
const (
	Push Download = "push"
	URL  Download = "url"
)
