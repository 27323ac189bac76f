package customerio

import (
	"crypto/rand"
	"encoding/base32"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

// LookML tags. The first of idTags that a column has is what identifies people. attributeTag names the attribute of a
// column.
const (
	tagID    = "customer_io_id"
	tagUser  = "user_id"
	tagEmail = "email"
)

var (
	idTags       = []string{tagID, tagUser, tagEmail}
	attributeTag = regexp.MustCompile(`^customer_io\[(.+)\]$`)
)

// record is an item of a batch, encoded as JSON.
type record struct {
	id   string
	text []byte
}

// weight is the size of the record in a request, with a comma.
func (r record) weight() int { return len(r.text) + 1 }

// key makes records of the same person arrive in their order, so that the last one counts. The case of an email address
// does not matter.
func (r record) key() string { return strings.ToLower(r.id) }

// columns map a row to a record.
type columns struct {
	answers
	id int
	// identifier is the person's: id or email.
	identifier string
	tag        string
	attributes []attribute
}

// attribute is a column with the value of an attribute.
type attribute struct {
	name   string
	column int
}

func mapColumns(table *action.Table, in answers, hidden []string) (*columns, error) {
	c := &columns{answers: in, id: -1}
	for _, tag := range idTags {
		if c.id = table.Tagged(tag); c.id >= 0 {
			c.tag, c.identifier = tag, "id"
			break
		}
	}
	switch {
	case c.id < 0:
		return nil, action.Errorf(action.Invalid, "The query needs a field tagged %s or %s.", strings.Join(idTags[:2], ", "), tagEmail)
	case len(table.Pivots) > 0:
		return nil, action.Errorf(action.Invalid, "The query is pivoted, but an attribute of Customer.io has one value. Remove the pivot.")
	}
	if c.tag == tagEmail {
		c.identifier = "email"
	}
	for i, column := range table.Columns {
		if i == c.id || slices.Contains(hidden, column.Name) {
			continue
		}
		c.add(attributeName(table, i), i)
	}
	return c, nil
}

// add adds an attribute. If several columns have the same name, the last one counts.
func (c *columns) add(name string, column int) {
	c.attributes = slices.DeleteFunc(c.attributes, func(a attribute) bool { return a.name == name })
	c.attributes = append(c.attributes, attribute{name, column})
}

// attributeName returns the name of a column's attribute: that in its tag, "email", or the column's without its view,
// unless two columns would have the same one. Customer.io's templates cannot show a name that contains a dot.
func attributeName(table *action.Table, index int) string {
	column := table.Columns[index]
	for _, tag := range column.Tags {
		if match := attributeTag.FindStringSubmatch(tag); match != nil {
			return match[1]
		}
	}
	if slices.Contains(column.Tags, tagEmail) {
		return tagEmail
	}
	short := withoutView(column.Name)
	for i, other := range table.Columns {
		if i != index && withoutView(other.Name) == short {
			return strings.ReplaceAll(column.Name, ".", "_")
		}
	}
	return short
}

func withoutView(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

var errTooLong = action.Errorf(action.TooLarge, "A row exceeds Customer.io's limit of %d KB.", maxRecord/1000)

// records yields a record for each row. A row without an ID counts as failed.
func (c *columns) records(table *action.Table) iter.Seq2[record, error] {
	w := rows.NewJSONWriter()
	return rows.Convert(table, func(row action.Row) (record, error) { return c.record(w, row) })
}

// key is the [record.key] of a row.
func (c *columns) key(row action.Row) string {
	return strings.ToLower(strings.TrimSpace(row.Cell(c.id).Text()))
}

// record encodes a row. Numbers keep all their digits.
func (c *columns) record(w *rows.JSONWriter, row action.Row) (record, error) {
	id := strings.TrimSpace(row.Cell(c.id).Text())
	if id == "" {
		return record{}, deliver.Reject(action.Errorf(action.Invalid, "A row has no value in the field tagged %s.", c.tag))
	}
	w.Begin()
	w.Text("type", "person")
	w.Object("identifiers")
	w.Text(c.identifier, id)
	w.End()
	w.Text("action", string(c.Kind))
	if c.Kind == event {
		w.Text("name", c.Event)
		w.Text("id", newULID(time.Now()))
	}
	w.Object("attributes")
	for _, a := range c.attributes {
		if value := row.Cell(a.column).Value(); value != nil {
			w.Value(a.name, value)
		}
	}
	w.End()
	w.End()
	text, err := w.Done()
	if err != nil {
		return record{}, deliver.Reject(err)
	}
	if len(text) > maxRecord {
		return record{}, deliver.Reject(errTooLong)
	}
	return record{id, text}, nil
}

// crockford is the alphabet of ULIDs (https://github.com/ulid/spec).
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var ulidEncoding = base32.NewEncoding(crockford).WithPadding(base32.NoPadding)

// newULID returns an event's ID, by which Customer.io recognizes an event that arrives twice: 48 bits of the time in
// milliseconds, and 80 random ones.
func newULID(now time.Time) string {
	var text [10]byte
	for i, ms := len(text)-1, now.UnixMilli(); i >= 0; i, ms = i-1, ms>>5 {
		text[i] = crockford[ms&31]
	}
	random := make([]byte, 10)
	_, _ = rand.Read(random) // it never fails
	return string(text[:]) + ulidEncoding.EncodeToString(random)
}
