package googlebigquery

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/rows"
	"integrationhub.dev/integrations/internal/timestamp"
)

// newID returns a random part of a job's ID.
func newID() string { return strings.ToLower(rand.Text()) }

// fieldType is the type of a column in BigQuery:
// https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types
type fieldType string

const (
	typeString    fieldType = "STRING"
	typeInteger   fieldType = "INT64"
	typeNumeric   fieldType = "NUMERIC"
	typeFloat     fieldType = "FLOAT64"
	typeBool      fieldType = "BOOL"
	typeDate      fieldType = "DATE"
	typeTimestamp fieldType = "TIMESTAMP"
	// The rest is for existing tables.
	typeBigNumeric fieldType = "BIGNUMERIC"
	typeDatetime   fieldType = "DATETIME"
	typeTime       fieldType = "TIME"
	typeJSON       fieldType = "JSON"
	typeGeography  fieldType = "GEOGRAPHY"
	typeBytes      fieldType = "BYTES"
)

// legacyTypes are other names of types, which the API returns.
var legacyTypes = map[string]fieldType{"INTEGER": typeInteger, "FLOAT": typeFloat, "BOOLEAN": typeBool}

// tableSchema is the schema of a table.
type tableSchema struct {
	Fields []json.RawMessage `json:"fields"`
	// unknown is set if the account may not read an existing table.
	unknown bool
}

// schemaField is a column of a table. An existing one can have more members, which stay as they are.
type schemaField struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Mode        string `json:"mode,omitempty"`
	Description string `json:"description,omitempty"`
}

// newSchema is the schema of a new table.
func newSchema(columns []*column) *tableSchema {
	s := &tableSchema{}
	for _, c := range columns {
		s.Fields = append(s.Fields, c.field())
	}
	return s
}

// maxNamed is how many columns an error names.
const maxNamed = 5

// extend sets the columns' types to those of an existing table. It returns the table's schema with the columns that are
// new, or nil without new ones: BigQuery then uses the table's own, with its modes, descriptions and policy tags.
func (s *tableSchema) extend(columns []*column, add bool) (*tableSchema, error) {
	known := map[string]schemaField{}
	for _, raw := range s.Fields {
		var f schemaField
		if err := json.Unmarshal(raw, &f); err != nil {
			return nil, action.Wrap(err, action.Unavailable, "Unexpected response from %s.", name)
		}
		known[strings.ToLower(f.Name)] = f
	}
	extended := &tableSchema{Fields: slices.Clone(s.Fields)}
	var missing []string
	for _, c := range columns {
		f, found := known[strings.ToLower(c.name)]
		if !found {
			missing = append(missing, c.name)
			extended.Fields = append(extended.Fields, c.field())
			continue
		}
		if err := c.become(f); err != nil {
			return nil, err
		}
	}
	switch {
	case len(missing) == 0:
		return nil, nil
	case !add:
		return nil, action.InvalidField("new_columns", "The table does not have these columns of the result: %s. Add them, or let the delivery add them.",
			strings.Join(missing[:min(len(missing), maxNamed)], ", "))
	}
	return extended, nil
}

// column is a column of the loaded rows.
type column struct {
	name string
	// title is the column's name in Looker, for messages.
	title string
	kind  fieldType
	// source is the index of the result's column, and pivot the key of its pivot, or empty.
	source int
	pivot  string
}

const maxDescription = 1024

// field is the column in a schema.
func (c *column) field() json.RawMessage {
	description := []rune(strings.ToValidUTF8(c.title, ""))
	shown := string(description[:min(len(description), maxDescription)])
	text, err := json.Marshal(schemaField{Name: c.name, Type: string(c.kind), Description: shown})
	if err != nil {
		return nil // strings can be encoded
	}
	return text
}

// become sets the type to that of an existing column.
func (c *column) become(f schemaField) error {
	kind := fieldType(strings.ToUpper(f.Type))
	if standard, ok := legacyTypes[string(kind)]; ok {
		kind = standard
	}
	switch kind {
	case typeString, typeInteger, typeNumeric, typeFloat, typeBool, typeDate, typeTimestamp, typeBigNumeric, typeDatetime, typeTime, typeJSON,
		typeGeography, typeBytes:
	default:
		return action.Errorf(action.Invalid, "The table's column %s has a type that results of queries do not have.", f.Name)
	}
	if f.Mode == "REPEATED" {
		return action.Errorf(action.Invalid, "The table's column %s is a list, which results of queries do not have.", f.Name)
	}
	c.name, c.kind = f.Name, kind
	return nil
}

// maxColumns is BigQuery's: https://cloud.google.com/bigquery/quotas#all_tables
const maxColumns = 10000

// columnsOf returns the columns of a result that are loaded: all that its table in Looker shows, a pivoted one for each
// value of the pivot.
func columnsOf(table *action.Table, hidden []string) ([]*column, error) {
	var all []*column
	taken := map[string]bool{}
	add := func(source int, c action.Column, pivot string) {
		field, title := c.Name, c.Title()
		if pivot != "" {
			field, title = c.Name+"_"+pivot, title+" "+pivot
		}
		all = append(all, &column{name: uniqueName(field, taken), title: title, kind: typeOf(c), source: source, pivot: pivot})
	}
	for n, c := range table.Columns {
		switch {
		case c.Group == "filters", c.Group == "parameters", slices.Contains(hidden, c.Name):
		case len(table.Pivots) == 0, c.Group == "dimensions":
			add(n, c, "")
		default:
			for _, p := range table.Pivots {
				add(n, c, p.Key)
			}
		}
		if len(all) > maxColumns {
			return nil, action.Errorf(action.TooLarge, "The result has more than the 10,000 columns that BigQuery allows.")
		}
	}
	if len(all) == 0 {
		return nil, action.Errorf(action.Invalid, "The result has no columns.")
	}
	return all, nil
}

// maxName is the maximum length of a column's name. reservedPrefixes cannot begin one, in any case:
// https://cloud.google.com/bigquery/docs/schemas#column_names
const maxName = 300

var (
	notInName        = regexp.MustCompile(`[^A-Za-z0-9_]`)
	reservedPrefixes = []string{"_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier", "_change_"}
)

// uniqueName returns a valid name that no other column has. Names that differ only in case are the same.
func uniqueName(field string, taken map[string]bool) string {
	base := notInName.ReplaceAllString(field, "_")
	if base == "" || base[0] >= '0' && base[0] <= '9' {
		base = "_" + base
	}
	lower := strings.ToLower(base)
	if slices.ContainsFunc(reservedPrefixes, func(prefix string) bool { return strings.HasPrefix(lower, prefix) }) {
		base = "c" + base
	}
	unique := base[:min(len(base), maxName)]
	for n := 2; taken[strings.ToLower(unique)]; n++ {
		suffix := "_" + strconv.Itoa(n)
		unique = base[:min(len(base), maxName-len(suffix))] + suffix
	}
	taken[strings.ToLower(unique)] = true
	return unique
}

var (
	dateTypes = []string{"date", "date_date", "date_week"}
	timeTypes = regexp.MustCompile(`^date_(time|second|minute[0-9]*|hour[0-9]*|millisecond[0-9]*|microsecond)$`)
)

// typeOf returns the type for a type of Looker: https://cloud.google.com/looker/docs/reference/param-dimension-filter-parameter-types
// and https://cloud.google.com/looker/docs/reference/param-measure-types. Sums keep their digits as NUMERIC. What is a
// quotient anyway is FLOAT64.
func typeOf(c action.Column) fieldType {
	switch {
	case c.Type == "yesno":
		return typeBool
	case slices.Contains(dateTypes, c.Type):
		return typeDate
	case timeTypes.MatchString(c.Type):
		return typeTimestamp
	case strings.HasPrefix(c.Type, "date_") && c.IsNumeric: // a part of a date, such as its year
		return typeInteger
	}
	switch c.Type {
	case "count", "count_distinct", "int":
		return typeInteger
	case "average", "average_distinct", "median", "median_distinct", "percentile", "percentile_distinct",
		"percent_of_total", "percent_of_previous",
		"distance":
		return typeFloat
	case "number", "sum", "sum_distinct", "running_total":
		return decimal(c)
	case "string", "list", "tier", "bin", "zipcode", "location", "unquoted":
		return typeString
	}
	if c.IsNumeric {
		return decimal(c)
	}
	return typeString
}

func decimal(c action.Column) fieldType {
	if c.Group == "table_calculations" {
		return typeFloat
	}
	return typeNumeric
}

// ndjson is data that is read as JSON, a row a line.
type ndjson struct {
	action.Data
	table   *action.Table
	columns []*column
}

// Open implements [action.Data]. If the result breaks off or has an invalid value, the reader gets the error, so that
// incomplete data never looks complete.
func (d ndjson) Open(ctx context.Context) (io.ReadCloser, error) {
	out, in := io.Pipe()
	panics.Go(func() error { return d.write(ctx, in) }, func(err error) { _ = in.CloseWithError(err) }) // nil means end of file
	return out, nil
}

func (d ndjson) write(ctx context.Context, w io.Writer) error {
	line := rows.NewJSONWriter()
	number := 0
	for row, err := range d.table.Rows() {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		number++
		line.Begin()
		for _, c := range d.columns {
			cell := row.Cell(c.source)
			if c.pivot != "" {
				cell = cell.Pivot(c.pivot)
			}
			if err := c.write(line, cell.Value()); err != nil {
				return action.Errorf(action.Invalid, "Row %d: the value of %s %v.", number, c.title, err)
			}
		}
		line.End()
		text, err := line.Done()
		if err != nil {
			return err
		}
		if _, err := w.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// write writes a value, unless it is null. Its error completes the sentence "The value … .", without the value.
func (c *column) write(line *rows.JSONWriter, value jsontext.Value) error {
	text := action.Text(value)
	if c.kind == typeString || c.kind == typeJSON {
		c.writeText(line, value, text)
		return nil
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	convert, ok := conversions[c.kind]
	if !ok {
		line.Text(c.name, text)
		return nil
	}
	converted, err := convert(text)
	if err == nil {
		line.Text(c.name, converted)
	}
	return err
}

func (c *column) writeText(line *rows.JSONWriter, value jsontext.Value, text string) {
	switch {
	case len(value) == 0 || value.Kind() == 'n':
	case c.kind == typeJSON:
		line.Value(c.name, value)
	default:
		line.Text(c.name, text)
	}
}

// conversions return a value in BigQuery's form. All values are strings, which BigQuery converts without losing digits:
// https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json#loading_json_data_from_cloud_storage
var conversions = map[fieldType]func(string) (string, error){
	typeInteger:    integer,
	typeNumeric:    func(text string) (string, error) { return rounded(text, maxNumeric, numericScale) },
	typeBigNumeric: func(text string) (string, error) { return rounded(text, maxBigNumeric, bigNumericScale) },
	typeFloat:      func(text string) (string, error) { return number(text, 0) },
	typeBool:       boolean,
	typeDate:       date,
	typeTimestamp:  func(text string) (string, error) { return moment(text, true) },
	typeDatetime:   func(text string) (string, error) { return moment(text, false) },
	typeTime:       func(text string) (string, error) { return withSeconds(text), nil },
}

// The limits of BigQuery's decimal types:
// https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types
const (
	maxNumeric      = 1e29
	maxBigNumeric   = 5.7e38
	numericScale    = 9
	bigNumericScale = 38
)

// trailingZeros are the decimals of a whole number.
var trailingZeros = regexp.MustCompile(`\.0+$`)

func integer(text string) (string, error) {
	text = trailingZeros.ReplaceAllString(text, "")
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return "", errors.New("is not a whole number of 64 bits")
	}
	return text, nil
}

var decimalNumber = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// number checks a number, which must be less than limit unless that is 0.
func number(text string, limit float64) (string, error) {
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case !decimalNumber.MatchString(text):
		return "", errors.New("is not a number")
	case err != nil, limit > 0 && (f >= limit || f <= -limit):
		return "", errors.New("is too large a number")
	}
	return text, nil
}

// rounded returns a number with at most scale decimals. A load does not round: "Invalid NUMERIC value: -0.8534597960201471",
// https://github.com/GoogleCloudPlatform/professional-services/issues/750. Halves go away from zero, as is BigQuery's default:
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/RoundingMode
func rounded(text string, limit float64, scale int) (string, error) {
	text, err := number(text, limit)
	_, decimals, _ := strings.Cut(text, ".")
	if err != nil || len(decimals) <= scale && !strings.ContainsAny(text, "eE") {
		return text, err
	}
	const zero = "0"
	if f, _ := strconv.ParseFloat(text, 64); math.Abs(f) < math.Pow10(-scale-1) { // the exponent could be huge
		return zero, nil
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", errors.New("is not a number")
	}
	text = strings.TrimSuffix(strings.TrimRight(exact.FloatString(scale), zero), ".")
	if text == "-0" {
		return zero, nil
	}
	return text, nil
}

func boolean(text string) (string, error) {
	switch strings.ToLower(text) {
	case "yes", "true", "1":
		return "true", nil
	case "no", "false", "0":
		return "false", nil
	}
	return "", errors.New("is neither yes nor no")
}

func date(text string) (string, error) {
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil && t.Equal(t.Truncate(24*time.Hour)) {
			return t.Format(time.DateOnly), nil
		}
	}
	return "", errors.New("is not a date")
}

// hourAndMinute is a time of day in Looker.
var hourAndMinute = regexp.MustCompile(`^[0-9]{1,2}:[0-9]{2}$`)

// withSeconds returns a time of day with the seconds that BigQuery requires: "[H]H:[M]M:[S]S[.DDDDDD|.F]",
// https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#time_type
func withSeconds(text string) string {
	if hourAndMinute.MatchString(text) {
		return text + ":00"
	}
	return text
}

// localLayouts are those of times without a zone. Looker's end at the unit of the column.
var localLayouts = []string{
	"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02 15", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly,
}

// moment returns a time, with a zone if it has one and zoned is set.
func moment(text string, zoned bool) (string, error) {
	const local = "2006-01-02 15:04:05.999999"
	for _, layout := range localLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(local), nil
		}
	}
	t, err := timestamp.Zoned(text)
	switch {
	case err != nil:
		return "", errors.New("is not a time")
	case zoned:
		return t.UTC().Format(local) + "Z", nil
	}
	return t.Format(local), nil
}
