package action

// Definition describes an integration to Looker. The hub adds the URLs, the icon, and whether there
// is a form or a sign-in.
type Definition struct {
	// Name is the name in Looker's API. Schedules in Looker contain it, so it never changes.
	Name        string
	Label       string
	Description string
	// Params are the settings that a Looker administrator enters.
	Params []Param
	// RequiredFields are the LookML tags that the fields of a query must have.
	RequiredFields []RequiredField
	// Types are the supported action types.
	Types []Type
	// Formats are the supported data formats; nil leaves the choice to Looker.
	Formats []Format
	// FormatsFor overrides Formats if they depend on Looker's version.
	FormatsFor func(Version) []Format
	// Formattings and VisFormattings restrict how Looker renders values; nil leaves it to Looker.
	Formattings    []Formatting
	VisFormattings []VisFormatting
	// Download is how Looker sends the data.
	Download Download
	// MinVersion is the minimum version of Looker.
	MinVersion Version
	// LoginParams names the params that a sign-in needs, such as the user's domain at the service.
	// The sign-in link contains them sealed.
	LoginParams []string
	// FetchTokens makes Looker fetch the user's tokens from the hub after a sign-in, instead of
	// receiving them. Looker then sends state_redir_url with the form.
	FetchTokens bool
}

// Param is a setting that a Looker administrator enters for an integration.
type Param struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Required    bool   `json:"required"`
	Sensitive   bool   `json:"sensitive"`
	Description string `json:"description,omitempty"`
	// PerUser makes it a Looker user attribute with a value for each user.
	PerUser           bool   `json:"per_user,omitempty"`
	UserAttributeName string `json:"user_attribute_name,omitempty"`
	// DelegateOAuthURL is the page in Looker that manages the credentials.
	DelegateOAuthURL string `json:"delegate_oauth_url,omitempty"`
}

// RequiredField requires fields of the query by their LookML tags.
type RequiredField struct {
	Tag     string   `json:"tag,omitempty"`
	AnyTag  []string `json:"any_tag,omitempty"`
	AllTags []string `json:"all_tags,omitempty"`
}

// Type is an action type.
type Type string

// Looker's action types.
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

// RowFormats are the formats for integrations that read rows: Looker 6.2 and later can stream
// json_detail without the parts that only a table visualization needs.
func RowFormats(v Version) []Format {
	if v.AtLeast(V(6, 2, 0)) {
		return []Format{JSONDetailLiteStream}
	}
	return []Format{JSONDetail}
}

// Formatting is whether values are rendered in their LookML format.
type Formatting string

// VisFormatting is whether the visualization's options apply to the values.
type VisFormatting string

// The values of supported_formattings and supported_visualization_formattings.
const (
	Formatted   Formatting    = "formatted"
	Unformatted Formatting    = "unformatted"
	Apply       VisFormatting = "apply"
	NoApply     VisFormatting = "noapply"
)

// Download is how Looker sends the data.
type Download string

// The values of supported_download_settings: in the request, or at a URL that can be read once.
const (
	Push Download = "push"
	URL  Download = "url"
)
