package segment

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/version"
	"integrationhub.dev/integrations/internal/rows"
	"integrationhub.dev/integrations/internal/timestamp"
)

// builder converts rows to messages.
type builder struct {
	kind    Kind
	event   string
	roles   roles
	traits  []trait
	columns int
	pivots  []action.Pivot
	time    string
	app     string

	// delivery distinguishes the message IDs of deliveries.
	delivery string
	zone     action.TimeZone
	hash     hash.Hash
	json     *rows.JSONWriter
}

// trait is a column with the value of a trait.
type trait struct {
	column int
	name   string
}

func newBuilder(kind Kind, event string, zone action.TimeZone, table *action.Table, r roles, req *action.Request) *builder {
	b := &builder{
		kind: kind, event: event, zone: zone, roles: r, columns: len(table.Columns), pivots: table.Pivots,
		app: version.Current().Version, hash: sha256.New(), json: rows.NewJSONWriter(), delivery: deliveryID(table, req),
	}
	at := table.RanAt
	if at.IsZero() {
		at = time.Now()
	}
	b.time = at.UTC().Format(timeFormat)
	for i, c := range table.Columns {
		taken := r.has(i) || r.email >= 0 && c.Name == tagEmail
		if !taken && !slices.Contains(req.Plan.HiddenFields, c.Name) {
			b.traits = append(b.traits, trait{i, c.Name})
		}
	}
	return b
}

// timeFormat is Segment's form of ISO 8601.
const timeFormat = "2006-01-02T15:04:05.000Z"

// deliveryID is the same if Looker repeats a delivery: it has the webhook ID and the time of the
// query. If either is unknown, each delivery is a new one: duplicates are better than lost rows.
func deliveryID(table *action.Table, req *action.Request) string {
	if req.WebhookID == "" || table.RanAt.IsZero() {
		return rand.Text()
	}
	return req.WebhookID + "\x00" + table.RanAt.UTC().Format(timeFormat)
}

var (
	errNoID    = action.Errorf(action.Invalid, "A row has neither a user ID nor an anonymous ID.")
	errGroupID = action.Errorf(action.Invalid, "A row has no group ID.")
	errTime    = action.Errorf(action.Invalid, "A row's value in the field tagged %s is not a time, such as 2026-11-23 14:05:00.", tagTime)
	errTooLong = action.Errorf(action.TooLarge, "A row exceeds Segment's limit of %d KB.", maxMessage>>10)
)

// messages yields the rows as JSON. Rows that Segment would drop are rejected.
func (b *builder) messages(table *action.Table) iter.Seq2[[]byte, error] {
	number := uint64(0)
	return rows.Convert(table, func(row action.Row) ([]byte, error) {
		number++
		return b.message(number, row)
	})
}

func (b *builder) message(number uint64, row action.Row) ([]byte, error) {
	digest := b.digest(number, row)
	user, group, anonymous := row.Cell(b.roles.user).Text(), row.Cell(b.roles.group).Text(), ""
	switch {
	case b.roles.anonymous >= 0:
		anonymous = row.Cell(b.roles.anonymous).Text()
	case user == "" && !b.kind.Grouped:
		anonymous = b.anonymousID(row, digest)
	}
	at, err := b.timestamp(row)
	switch {
	case user == "" && anonymous == "":
		return nil, deliver.Reject(errNoID)
	case b.kind.Grouped && group == "":
		return nil, deliver.Reject(errGroupID)
	case err != nil:
		return nil, deliver.Reject(err)
	}
	w := b.json
	w.Begin()
	w.Text("type", b.kind.Type)
	w.Text("messageId", "looker-"+hex.EncodeToString(digest[:16]))
	w.Text("timestamp", at)
	optional(w, "userId", user)
	optional(w, "anonymousId", anonymous)
	optional(w, "groupId", group)
	optional(w, "event", b.event)
	w.Object(b.kind.Traits)
	b.write(row)
	w.End()
	w.Object("context")
	w.Object("app")
	w.Text("name", "looker/actions")
	w.Text("version", b.app)
	w.End()
	if !b.kind.Grouped {
		// Where Segment has it in messages other than groups. The member above is the reference's.
		// https://segment.com/docs/connections/spec/common/#context
		optional(w, "groupId", group)
	}
	w.End()
	w.End()
	text, err := w.Done()
	switch {
	case err != nil:
		return nil, deliver.Reject(err)
	case len(text) > maxMessage:
		return nil, deliver.Reject(errTooLong)
	}
	return text, nil
}

func optional(w *rows.JSONWriter, name, text string) {
	if text != "" {
		w.Text(name, text)
	}
}

// write encodes the row's values. A pivoted column becomes an array with an object for each pivot
// that has a value.
func (b *builder) write(row action.Row) {
	for _, t := range b.traits {
		cell := row.Cell(t.column)
		switch value := cell.Value(); {
		case value != nil:
			b.json.Value(t.name, value)
		case len(b.pivots) > 0 && !cell.Missing():
			b.json.Name(t.name)
			b.json.BeginList()
			for _, p := range b.pivots {
				if value := cell.Pivot(p.Key).Value(); value != nil {
					b.json.Begin()
					b.json.Value(p.Key, value)
					b.json.End()
				}
			}
			b.json.EndList()
		}
	}
	if value := row.Cell(b.roles.email).Value(); value != nil {
		b.json.Value(tagEmail, value)
	}
}

// timestamp returns when the message took place: the time in the row's column, or that of the query.
func (b *builder) timestamp(row action.Row) (string, error) {
	text := row.Cell(b.roles.time).Text()
	if text == "" {
		return b.time, nil
	}
	at, err := timestamp.In(b.zone, text)
	if err != nil {
		return "", errTime
	}
	return at.UTC().Format(timeFormat), nil
}

// anonymousID makes an anonymous ID for a row without a user. It is the same for each row with the same
// email address, so that messages about one person do not become several. Without an address it is that of
// the message.
func (b *builder) anonymousID(row action.Row, digest [sha256.Size]byte) string {
	email := strings.ToLower(strings.TrimSpace(row.Cell(b.roles.email).Text()))
	if email == "" {
		return uuid([16]byte(digest[16:]))
	}
	sum := sha256.Sum256([]byte("segment anonymous ID\x00" + email))
	return uuid([16]byte(sum[:16]))
}

// digest is the source of a row's message ID and generated anonymous ID. It is the same if the
// delivery is repeated with the same row at the same position.
func (b *builder) digest(number uint64, row action.Row) (sum [sha256.Size]byte) {
	b.hash.Reset()
	b.add([]byte(b.delivery))
	b.add([]byte(b.kind.Type))
	b.add([]byte(b.event))
	b.add(binary.BigEndian.AppendUint64(nil, number))
	for i := range b.columns {
		b.add(row.Cell(i).Raw())
	}
	b.hash.Sum(sum[:0])
	return sum
}

// add hashes a part with its length, so that different parts cannot have the same hash.
func (b *builder) add(part []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(part)))
	_, _ = b.hash.Write(length[:]) // a hash returns no errors
	_, _ = b.hash.Write(part)
}

// uuid formats bytes as a UUID (RFC 9562, version 8).
func uuid(u [16]byte) string {
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
