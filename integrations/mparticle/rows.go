package mparticle

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	errNoIdentity = action.Errorf(action.Invalid, "A row has no value for any identity.")
	errTooLarge   = action.Errorf(action.TooLarge, "A row exceeds mParticle's limit of %d KB.", maxRow>>10)
)

// batches yields the rows as event batches of one user each
// (https://docs.mparticle.com/developers/apis/json-reference/).
func (m *mapping) batches(table *action.Table, environment string) iter.Seq2[[]byte, error] {
	w := rows.NewJSONWriter()
	number := uint64(0)
	return rows.Convert(table, func(row action.Row) ([]byte, error) {
		number++
		return m.batch(w, number, row, environment)
	})
}

func (m *mapping) batch(w *rows.JSONWriter, number uint64, row action.Row, environment string) ([]byte, error) {
	if !m.identified(row) {
		return nil, deliver.Reject(errNoIdentity)
	}
	w.Begin()
	w.Name("events")
	w.BeginList()
	if m.kind == eventData {
		m.event(w, row)
	}
	w.EndList()
	m.object(w, "user_attributes", m.userAttributes, row)
	w.Object("user_identities")
	for _, id := range m.identities {
		if text := row.Cell(id.column).Text(); text != "" {
			w.Text(id.name, text)
		}
	}
	w.End()
	w.Object("device_info")
	for _, d := range m.deviceInfo {
		if value := row.Cell(d.column).Value(); value != nil {
			w.Value(d.name, typed(d.name, value))
		}
	}
	w.End()
	w.Text("environment", environment)
	w.End()
	batch, err := w.Done()
	if err != nil {
		return nil, deliver.Reject(err)
	}
	if batch = withID(m.id(number, batch), batch); len(batch) > maxRow {
		return nil, deliver.Reject(errTooLarge)
	}
	return batch, nil
}

func (m *mapping) identified(row action.Row) bool {
	for _, id := range m.identities {
		if row.Cell(id.column).Text() != "" {
			return true
		}
	}
	return false
}

// person is the same for rows with the same identities. The case of an email address does not matter.
func (m *mapping) person(row action.Row) string {
	var all strings.Builder
	for _, id := range m.identities {
		text := strings.ToLower(row.Cell(id.column).Text())
		_, _ = fmt.Fprintf(&all, "%s:%d:%s;", id.name, len(text), text)
	}
	return all.String()
}

// event encodes a custom event. mParticle requires a name and a type.
func (m *mapping) event(w *rows.JSONWriter, row action.Row) {
	w.Begin()
	w.Object("data")
	m.object(w, "custom_attributes", m.customAttributes, row)
	missing := map[string]string{eventName: "looker_custom_event", eventType: "other"}
	for _, d := range m.data {
		if value := row.Cell(d.column).Value(); value != nil && value.Kind() != 'n' {
			w.Value(d.name, typed(d.name, value))
			delete(missing, d.name)
		}
	}
	for _, name := range []string{eventName, eventType} {
		if missing[name] != "" {
			w.Text(name, missing[name])
		}
	}
	w.End()
	w.Text("event_type", "custom_event")
	w.End()
}

// typed is a value as mParticle's JSON Schema has it
// (https://docs.mparticle.com/schema/mparticle.inbound.eventsapi.schema.json). Looker has times, IDs and
// sizes as texts if they are dimensions of that type, and Yes and No for truth.
func typed(name string, value jsontext.Value) jsontext.Value {
	text := strings.TrimSpace(action.Text(value))
	switch {
	case slices.Contains(texts, name):
		if quoted, err := jsontext.AppendQuote(nil, text); err == nil {
			return quoted
		}
	case value.Kind() != '"':
	case slices.Contains(integers, name):
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
			return jsontext.Value(text)
		}
	case slices.Contains(booleans, name):
		switch strings.ToLower(text) {
		case "yes", "true":
			return jsontext.Value("true")
		case "no", "false":
			return jsontext.Value("false")
		}
	}
	return value
}

// The members of event data and device fields that have one type. The others may have any.
var (
	texts    = []string{eventName, eventType}
	integers = strings.Fields("event_id timestamp_unixtime_ms session_id screen_height screen_width screen_dpi timezone_offset")
	booleans = strings.Fields(`is_tablet push_notification_sound_enabled push_notification_vibrate_enabled supports_telephony has_nfc
		bluetooth_enabled limit_ad_tracking is_dst`)
)

// object encodes the members that the row has values for. A pivoted column becomes one member for
// each pivot.
func (m *mapping) object(w *rows.JSONWriter, name string, members []member, row action.Row) {
	w.Object(name)
	for _, c := range members {
		cell := row.Cell(c.column)
		if value := cell.Value(); value != nil {
			w.Value(c.name, value)
			continue
		}
		for _, p := range m.pivots {
			if value := cell.Pivot(p.Key).Value(); value != nil {
				w.Value(c.name+"_"+p.Key, value)
			}
		}
	}
	w.End()
}

// identityTags map the LookML tags of identities to mParticle's names, which are not those of its SDKs
// for browsers and apps: https://docs.mparticle.com/developers/apis/json-reference/#user_identities.
var identityTags = map[string]string{
	"mp_customer_id": "customer_id", "mp_email": "email",
	"mp_facebook": "facebook", "mp_google": "google", "mp_microsoft": "microsoft", "mp_twitter": "twitter", "mp_yahoo": "yahoo",
	"mp_other": "other", "mp_other2": "other_id_2", "mp_other3": "other_id_3", "mp_other4": "other_id_4",
}

// dataTags map the tags of event data.
var dataTags = map[string]string{
	"mp_event_name": eventName, "mp_custom_event_type": eventType, "mp_event_id": "event_id",
	"mp_timestamp_unixtime_ms": "timestamp_unixtime_ms", "mp_session_id": "session_id", "mp_session_uuid": "session_uuid",
}

const (
	eventName = "event_name"
	eventType = "custom_event_type"
)

// deviceFields are mParticle's device fields. A column tagged mp_device_info is named after one,
// such as devices.os_version.
var deviceFields = strings.Fields(`
	brand product device android_uuid device_manufacturer platform os_version device_model
	screen_height screen_width screen_dpi device_country locale_language locale_country
	network_country network_carrier network_code network_mobile_country_code timezone_offset
	build_identifier http_header_user_agent ios_advertising_id push_token cpu_architecture
	is_tablet push_notification_sound_enabled push_notification_vibrate_enabled
	radio_access_technology supports_telephony has_nfc bluetooth_enabled bluetooth_version
	ios_idfv android_advertising_id limit_ad_tracking is_dst`)

// prefix marks attributes that come from Looker.
const prefix = "looker_"

// member is a column and the name of its value in the request.
type member struct {
	name   string
	column int
}

// mapping maps a row's columns.
type mapping struct {
	kind   dataType
	pivots []action.Pivot
	// delivery distinguishes the IDs of deliveries.
	delivery string

	identities, userAttributes, deviceInfo, data, customAttributes []member
	// unknown are the names of columns with unknown tags.
	unknown []string
}

func newMapping(table *action.Table, kind dataType) *mapping {
	m := &mapping{kind: kind, pivots: table.Pivots}
	for i, c := range table.Columns {
		tag := ""
		if n := slices.IndexFunc(c.Tags, func(t string) bool { return strings.HasPrefix(t, "mp_") }); n >= 0 {
			tag = c.Tags[n]
		}
		switch name := identityTags[tag]; {
		case name != "":
			set(&m.identities, name, i)
		case kind == userData && tag == "mp_event_name":
			// only for events
		case kind == userData:
			set(&m.userAttributes, prefix+c.Name, i)
		default:
			m.addToEvent(c.Name, tag, i)
		}
	}
	return m
}

// addToEvent maps a column that is not an identity. Columns without a tag are not sent.
func (m *mapping) addToEvent(name, tag string, column int) {
	_, field, _ := strings.Cut(name, ".")
	switch {
	case tag == "":
	case dataTags[tag] != "":
		set(&m.data, dataTags[tag], column)
	case tag == "mp_user_attribute":
		set(&m.userAttributes, prefix+name, column)
	case tag == "mp_custom_attribute":
		set(&m.customAttributes, prefix+name, column)
	case tag == "mp_device_info" && slices.Contains(deviceFields, field):
		set(&m.deviceInfo, field, column)
	default:
		m.unknown = append(m.unknown, name)
	}
}

// set adds a member. Of columns with the same name the last one counts.
func set(members *[]member, name string, column int) {
	*members = append(slices.DeleteFunc(*members, func(m member) bool { return m.name == name }), member{name, column})
}

// deliveryID is the same if Looker repeats a delivery: it has the webhook ID and the time of the query. If
// either is unknown, each delivery is a new one: duplicates are better than lost rows.
func deliveryID(table *action.Table, req *action.Request) string {
	if req.WebhookID == "" || table.RanAt.IsZero() {
		return rand.Text()
	}
	return req.InstanceID + "\x00" + req.WebhookID + "\x00" + table.RanAt.UTC().Format(time.RFC3339Nano)
}

// id returns a row's source_request_id. mParticle drops what has one that it received under the same API
// key in the last 30 to 60 days (https://docs.mparticle.com/developers/apis/json-reference/). It must
// therefore be the same for each call that has the row, and differ from that of every other row: equal
// rows of one delivery may be two events, and a later delivery may set a user's attributes back to what
// they were. The number distinguishes the former, the delivery the latter.
func (m *mapping) id(number uint64, batch []byte) string {
	h := sha256.New()
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, number))
	_, _ = h.Write([]byte(m.delivery))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(batch)
	return "looker-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// withID adds the ID to a batch, which has members.
func withID(id string, batch []byte) []byte {
	return slices.Concat([]byte(`{"source_request_id":"`+id+`",`), batch[len("{"):])
}
