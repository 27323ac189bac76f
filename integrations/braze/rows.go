package braze

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
	"integrationhub.dev/integrations/internal/timestamp"
)

// The LookML tags of columns. valueTag matches the tag braze[name] of columns with attributes, or with properties of
// events and purchases.
const (
	tagID       = "braze_id"
	tagEvent    = "braze_event_name"
	tagTime     = "braze_time"
	tagProduct  = "braze_product_id"
	tagPrice    = "braze_price"
	tagCurrency = "braze_currency"
	tagQuantity = "braze_quantity"
)

var valueTag = regexp.MustCompile(`(?i)braze\[(.+)\]`)

// label is the attribute that lists a user's exports. existing keeps Braze from creating users
// for unknown IDs.
const (
	label    = "looker_export"
	existing = "_update_existing_only"
)

// columns map a row to an object. An index of -1 means that there is no such column.
type columns struct {
	id                                              int
	event, time, product, price, currency, quantity int
	values                                          []value
}

// value is a column with the value of an attribute or a property.
type value struct {
	name   string
	column int
}

// mapColumns reads the columns' tags. If several columns have the same tag, the last one counts,
// as in the reference.
func mapColumns(table *action.Table, in *input) (*columns, error) {
	last := func(tag string) int {
		for i, c := range slices.Backward(table.Columns) {
			if slices.Contains(c.Tags, tag) {
				return i
			}
		}
		return -1
	}
	m := &columns{
		id: last(tagID), event: last(tagEvent), time: last(tagTime), product: last(tagProduct), price: last(tagPrice),
		currency: last(tagCurrency), quantity: last(tagQuantity),
	}
	if err := m.check(in); err != nil {
		return nil, err
	}
	for i, c := range table.Columns {
		for _, tag := range c.Tags {
			match := valueTag.FindStringSubmatch(tag)
			if match == nil || match[1] == string(in.Key) && i == m.id {
				continue
			}
			if err := m.add(table, match[1], i, in); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// check requires the columns without which no row can be sent.
func (m *columns) check(in *input) error {
	switch {
	case m.id < 0:
		return action.Errorf(action.Invalid, "Primary Braze key not found. The query needs a field tagged %s.", tagID)
	case in.Record == events && m.event < 0 && in.Event == "":
		return action.InvalidField("braze_event_name", "Enter the event's name, or add a field tagged %s to the query.", tagEvent)
	case in.Record != purchases:
		return nil
	case m.product < 0:
		return action.Errorf(action.Invalid, "Purchases need a field tagged %s in the query.", tagProduct)
	case m.price < 0:
		return action.Errorf(action.Invalid, "Purchases need a field tagged %s in the query.", tagPrice)
	case m.currency < 0 && in.Currency == "":
		return action.InvalidField("braze_currency", "Enter the currency, or add a field tagged %s to the query.", tagCurrency)
	}
	return nil
}

func (m *columns) add(table *action.Table, name string, column int, in *input) error {
	c := table.Columns[column]
	switch {
	case in.Record != attributes:
		// https://www.braze.com/docs/api/objects_filters/event_object/#event-properties-object
		if strings.HasPrefix(name, "$") || utf8.RuneCountInString(name) > maxText {
			return action.Errorf(action.Invalid, "The field %s is tagged braze[%s], but a property's name must not begin with $ or have "+
				"more than %d characters.", c.Title(), name, maxText)
		}
	case name == string(in.Key) || name == label || name == existing:
		return action.Errorf(action.Invalid, "The field %s is tagged braze[%s], but this name is reserved.", c.Title(), name)
	case in.Key == phone && name == string(email):
		return action.Errorf(action.Invalid, "The field %s is tagged braze[%s]. Braze would identify users by it instead of %s. Remove "+
			"the tag, or choose %s as the unique key.", c.Title(), name, phone, email)
	}
	if len(table.Pivots) > 0 && (c.Group == "measures" || c.Group == "table_calculations") {
		return action.Errorf(action.Invalid, "The field %s is pivoted, but an attribute has one value. Remove the pivot, or the "+
			"tag braze[%s].", c.Title(), name)
	}
	m.values = slices.DeleteFunc(m.values, func(v value) bool { return v.name == name })
	m.values = append(m.values, value{name, column})
	return nil
}

// encoder converts rows to the objects of a call.
type encoder struct {
	*columns
	in *input
	// at is the time of events and purchases without a time of their own.
	at   string
	json *rows.JSONWriter
}

func newEncoder(in *input, table *action.Table, columns *columns) *encoder {
	at := table.RanAt
	if at.IsZero() {
		at = time.Now()
	}
	return &encoder{columns: columns, in: in, at: at.UTC().Format(time.RFC3339), json: rows.NewJSONWriter()}
}

// The errors about single rows do not contain their values.
var (
	errNoID      = missing(tagID)
	errNoEvent   = missing(tagEvent)
	errNoProduct = missing(tagProduct)
	errPrice     = action.Errorf(action.Invalid, "A row's value in the field tagged %s is not a number.", tagPrice)
	errQuantity  = action.Errorf(action.Invalid, "A row's value in the field tagged %s is not a whole number from 1 to %d.", tagQuantity,
		maxQuantity)
	errRowMoney = action.Errorf(action.Invalid, "A row's value in the field tagged %s %v.", tagCurrency, errCurrency)
	errTime     = action.Errorf(action.Invalid, "A row's value in the field tagged %s is not a time, such as 2026-11-23 14:05:00.",
		tagTime)
	errTooLong = action.Errorf(action.Invalid, "A row's event name or product ID has more than %d characters.", maxText)
)

func missing(tag string) *action.Error {
	return action.Errorf(action.Invalid, "A row has no value in the field tagged %s.", tag)
}

// object is a row in a call, as JSON.
type object struct {
	// user is the user's identifier, of the kind that the form names.
	user string
	text []byte
}

// envelope is more than the bytes of a call besides its objects.
const envelope = 100

// weight is the size of the object in a call, with a comma.
func (o object) weight() int { return len(o.text) + len(",") }

// key makes the attributes of a user arrive in the order of the rows.
func (o object) key() string { return o.user }

// key is the [object.key] of a row. The case of an email address does not matter.
func (m *columns) key(row action.Row) string { return strings.ToLower(row.Cell(m.id).Text()) }

// objects yields the rows as Braze's objects.
func (e *encoder) objects(table *action.Table) iter.Seq2[object, error] {
	return rows.Convert(table, func(row action.Row) (object, error) {
		e.json.Begin()
		err := e.object(row)
		e.json.End()
		text, writeErr := e.json.Done()
		if err == nil {
			err = writeErr
		}
		if err != nil {
			return object{}, deliver.Reject(err)
		}
		return object{e.key(row), text}, nil
	})
}

// object writes the members of a row's object. IDs are strings at Braze.
func (e *encoder) object(row action.Row) error {
	id := row.Cell(e.id).Text()
	if id == "" {
		return errNoID
	}
	e.json.Bool(existing, true)
	if e.in.Key == userAlias {
		// https://www.braze.com/docs/api/objects_filters/user_alias_object/
		e.json.Object(string(userAlias))
		e.json.Text("alias_name", id)
		e.json.Text("alias_label", e.in.AliasLabel)
		e.json.End()
	} else {
		e.json.Text(string(e.in.Key), id)
	}
	switch e.in.Record {
	case events:
		return e.event(row)
	case purchases:
		return e.purchase(row)
	case attributes:
	}
	e.attributes(row)
	return nil
}

// attributes writes a user attributes object. A null removes an attribute.
// https://www.braze.com/docs/api/objects_filters/user_attributes_object/
func (e *encoder) attributes(row action.Row) {
	for _, v := range e.values {
		if value := row.Cell(v.column).Value(); value != nil {
			e.json.Value(v.name, value)
		}
	}
	e.json.Object(label)
	e.json.Texts(string(e.in.LabelAction), e.in.Label)
	e.json.End()
}

// event writes an event object: https://www.braze.com/docs/api/objects_filters/event_object/.
func (e *encoder) event(row action.Row) error {
	name := row.Cell(e.columns.event).Text()
	if name == "" {
		name = e.in.Event
	}
	switch {
	case name == "":
		return errNoEvent
	case utf8.RuneCountInString(name) > maxText:
		return errTooLong
	}
	e.json.Text("name", name)
	return e.properties(row)
}

// maxQuantity is the maximum quantity of a purchase.
const maxQuantity = 100

// purchase writes a purchase object: https://www.braze.com/docs/api/objects_filters/purchase_object/.
func (e *encoder) purchase(row action.Row) error {
	product := row.Cell(e.product).Text()
	price := jsontext.Value(strings.TrimSpace(row.Cell(e.price).Text()))
	code := e.in.Currency
	if text := row.Cell(e.columns.currency).Text(); text != "" && code.UnmarshalText([]byte(text)) != nil {
		return errRowMoney
	}
	switch {
	case product == "":
		return errNoProduct
	case utf8.RuneCountInString(product) > maxText:
		return errTooLong
	case price.Kind() != '0' || !price.IsValid():
		return errPrice
	case code == "":
		return missing(tagCurrency)
	}
	e.json.Text("product_id", product)
	e.json.Text("currency", string(code))
	e.json.Value("price", price)
	if text := strings.TrimSpace(row.Cell(e.quantity).Text()); text != "" {
		quantity, err := strconv.Atoi(text)
		if err != nil || quantity < 1 || quantity > maxQuantity {
			return errQuantity
		}
		e.json.Value("quantity", jsontext.Value(strconv.Itoa(quantity)))
	}
	return e.properties(row)
}

// properties writes the time and the properties, which both events and purchases have. A property cannot be null.
func (e *encoder) properties(row action.Row) error {
	at := e.at
	if text := row.Cell(e.columns.time).Text(); text != "" {
		t, err := timestamp.In(e.in.Zone, text)
		if err != nil {
			return errTime
		}
		at = t.UTC().Format(time.RFC3339Nano)
	}
	e.json.Text("time", at)
	if len(e.values) == 0 {
		return nil
	}
	e.json.Object("properties")
	for _, v := range e.values {
		if value := row.Cell(v.column).Value(); value != nil && value.Kind() != 'n' {
			e.json.Value(v.name, value)
		}
	}
	e.json.End()
	return nil
}
