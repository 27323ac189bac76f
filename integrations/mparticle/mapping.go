package mparticle

import (
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
)

// identityTags map the LookML tags of identities to mParticle's names:
// https://docs.mparticle.com/developers/apis/json-reference/#user_identities.
var identityTags = map[string]string{
	"mp_customer_id": "customerid", "mp_email": "email",
	"mp_facebook": "facebook", "mp_google": "google", "mp_microsoft": "microsoft", "mp_twitter": "twitter", "mp_yahoo": "yahoo",
	"mp_other": "other", "mp_other2": "other2", "mp_other3": "other3", "mp_other4": "other4",
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
