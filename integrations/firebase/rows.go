package firebase

import (
	"encoding/json"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"integrationhub.dev/hub/action"
)

// device is an installation of the app, and its user.
type device struct {
	ID   string `json:"device_id"`
	User text   `json:"user_id"`
}

// text accepts a JSON string or number.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(b []byte) error {
	*t = text(action.Text(b))
	return nil
}

// alert is a notification for several devices.
type alert struct {
	title   string
	data    map[string]string
	devices []device
}

// readAlert reads the form's answers, which contain JSON.
func readAlert(form map[string]string) (alert, error) {
	a := alert{title: strings.TrimSpace(form["title"])}
	if strings.TrimSpace(form["data"]) == "" {
		return a, action.InvalidField("data", "Need valid notification data.")
	}
	var data map[string]json.RawMessage
	if json.Unmarshal([]byte(form["data"]), &data) != nil || action.Text([]byte(data["alert_id"])) == "" {
		return a, action.InvalidField("data", "Need Valid AlertId.")
	}
	if a.title == "" {
		return a, action.InvalidField("title", "Needs a valid title.")
	}
	// Firebase accepts only strings.
	a.data = make(map[string]string, len(data))
	for name, value := range data {
		a.data[name] = action.Text([]byte(value))
	}
	var err error
	a.devices, err = readDevices(form["deviceIds"])
	return a, err
}

// readDevices returns the distinct devices in a list of lists. Looker sends an empty answer if there
// are none.
func readDevices(answer string) ([]device, error) {
	if strings.TrimSpace(answer) == "" {
		return nil, nil
	}
	var lists []json.RawMessage
	if json.Unmarshal([]byte(answer), &lists) != nil {
		return nil, errNoDevices
	}
	var devices []device
	known := map[device]bool{}
	for _, list := range lists {
		var some []device
		if json.Unmarshal(list, &some) != nil {
			some = []device{{}}
			if json.Unmarshal(list, &some[0]) != nil {
				return nil, errNoDevices
			}
		}
		for _, d := range some {
			if d.ID != "" && d.User != "" && !known[d] {
				known[d] = true
				devices = append(devices, d)
			}
		}
	}
	return devices, nil
}

var errNoDevices = action.InvalidField("deviceIds", "The devices must be a list of lists of objects with a device_id and a user_id.")

// timeToLive is how long a notification waits for an offline device.
const timeToLive = 24 * time.Hour

// Messages of Firebase's API:
// https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
type (
	push struct {
		// FID or Token is the device.
		FID          string            `json:"fid,omitempty"`
		Token        string            `json:"token,omitempty"`
		Notification notification      `json:"notification"`
		Data         map[string]string `json:"data"`
		Android      android           `json:"android"`
		APNS         apns              `json:"apns"`
	}
	notification struct {
		Title string `json:"title"`
		Body  string `json:"body,omitempty"`
	}
	android struct {
		Priority string `json:"priority"`
		TTL      string `json:"ttl"`
	}
	apns struct {
		Headers map[string]string `json:"headers"`
		Payload apnsPayload       `json:"payload"`
	}
	apnsPayload struct {
		APS struct {
			ContentAvailable int `json:"content-available"`
			MutableContent   int `json:"mutable-content"`
		} `json:"aps"`
	}
)

// fid is the pattern of a Firebase installation's ID: 17 bytes in URL-safe base64, of which the first four bits are 0111
// (https://github.com/firebase/firebase-js-sdk/blob/main/packages/installations/src/helpers/generate-fid.ts). All other
// IDs are registration tokens, which are longer. Firebase deprecates those (fcm-api.json in google.golang.org/api/fcm/v1).
var fid = regexp.MustCompile(`^[c-f][A-Za-z0-9_-]{21}$`)

// message returns the alert for a device. Its ID stays the same in retries.
func (a alert) message(d device) push {
	data := maps.Clone(a.data)
	data["id"], data["user_id"] = uuid.NewString(), string(d.User)
	m := push{
		Notification: notification{Title: a.title}, Data: data,
		Android: android{Priority: "HIGH", TTL: strconv.Itoa(int(timeToLive/time.Second)) + "s"},
		APNS: apns{Headers: map[string]string{
			"apns-priority": "10", "apns-expiration": strconv.FormatInt(time.Now().Add(timeToLive).Unix(), 10),
		}},
	}
	if fid.MatchString(d.ID) {
		m.FID = d.ID
	} else {
		m.Token = d.ID
	}
	if dashboard := a.data["dashboard_name"]; dashboard != "" {
		m.Notification.Body = "On " + dashboard
	}
	m.APNS.Payload.APS.ContentAvailable, m.APNS.Payload.APS.MutableContent = 1, 1
	return m
}
