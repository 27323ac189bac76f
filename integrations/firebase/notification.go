package firebase

import (
	"encoding/json"
	"iter"
	"maps"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// notification is what all devices are told.
type notification struct {
	title string
	// data is what the app gets: texts, since FCM takes nothing else.
	data map[string]string
}

// text takes any JSON value as text.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(b []byte) error {
	*t = text(action.Text(jsontext.Value(b)))
	return nil
}

func readNotification(form map[string]string) (notification, error) {
	if form["data"] == "" {
		return notification{}, action.Errorf(action.Invalid, "Need valid notification data.")
	}
	var data map[string]text
	if err := json.Unmarshal([]byte(form["data"]), &data); err != nil || data["alert_id"] == "" {
		return notification{}, action.Errorf(action.Invalid, "Need Valid AlertId.")
	}
	if form["title"] == "" {
		return notification{}, action.Errorf(action.Invalid, "Needs a valid title.")
	}
	n := notification{title: form["title"], data: map[string]string{}}
	for name, value := range data {
		n.data[name] = string(value)
	}
	return n, nil
}

// device is one person's phone.
type device struct {
	ID   text `json:"device_id"`
	User text `json:"user_id"`
}

// readDevices reads lists of devices, one for each user. Without any nobody is to be told.
func readDevices(list string) ([]device, error) {
	if list == "" {
		return nil, nil
	}
	var users [][]device
	if err := json.Unmarshal([]byte(list), &users); err != nil {
		return nil, action.Errorf(action.Invalid, "The list of devices cannot be read.")
	}
	var all []device
	for _, devices := range users {
		all = append(all, devices...)
	}
	return all, nil
}

var errIncomplete = action.Errorf(action.Invalid, "A device has no id, or no user.")

// recipients yields the devices for package deliver.
func recipients(devices []device) iter.Seq2[device, error] {
	return func(yield func(device, error) bool) {
		for _, d := range devices {
			var err error
			if d.ID == "" || d.User == "" {
				err = deliver.Reject(errIncomplete)
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

// lifetime is how long a notification waits for a phone that is off.
const lifetime = 24 * time.Hour

type object map[string]any

// message is the notification for one device, as FCM takes it:
// https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages.
func (n notification) message(d device, now time.Time) object {
	data := maps.Clone(n.data)
	data["id"], data["user_id"] = uuid.NewString(), string(d.User)
	shown := object{"title": n.title}
	if name := n.data["dashboard_name"]; name != "" {
		shown["body"] = "On " + name
	}
	return object{"message": object{
		"token":        string(d.ID),
		"notification": shown,
		"data":         data,
		"android":      object{"priority": "high", "ttl": strconv.Itoa(int(lifetime.Seconds())) + "s"},
		"apns": object{
			"headers": object{"apns-priority": "10", "apns-expiration": strconv.FormatInt(now.Add(lifetime).Unix(), 10)},
			"payload": object{"aps": object{"content-available": 1, "mutable-content": 1}},
		},
	}}
}
