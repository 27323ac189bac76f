package braze_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/braze"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
	"integrationhub.dev/integrations/internal/rowstest"
)

// answers are the form with changes.
func answers(change map[string]string) map[string]string {
	all := form()
	maps.Copy(all, change)
	return all
}

// object is an event, a purchase or a user of a call.
type object struct {
	ExternalID string          `json:"external_id"`
	Name       string          `json:"name"`
	Time       string          `json:"time"`
	ProductID  string          `json:"product_id"`
	Currency   string          `json:"currency"`
	Price      json.RawMessage `json:"price"`
	Properties map[string]any  `json:"properties"`
}

// parse reads a call, and checks what Braze requires:
// https://www.braze.com/docs/api/endpoints/user_data/post_user_track/,
// https://www.braze.com/docs/api/objects_filters/event_object/ and
// https://www.braze.com/docs/api/objects_filters/purchase_object/.
func parse(body []byte) (string, []object, error) {
	var call map[string][]map[string]json.RawMessage
	if err := json.Unmarshal(body, &call); err != nil || len(call) != 1 {
		return "", nil, fmt.Errorf("a call with %d arrays: %w", len(call), err)
	}
	for array, all := range call {
		if len(all) > 50 {
			return "", nil, errors.New("more objects than each contract allows")
		}
		objects := make([]object, len(all))
		for i, members := range all {
			text, err := json.Marshal(members)
			if err != nil {
				return "", nil, err
			}
			if err := json.Unmarshal(text, &objects[i]); err != nil {
				return "", nil, err
			}
			if err := objects[i].check(array, members); err != nil {
				return "", nil, err
			}
		}
		return array, objects, nil
	}
	return "", nil, errors.New("no array")
}

func (o object) check(array string, members map[string]json.RawMessage) error {
	identifiers := 0
	for _, name := range []string{"external_id", "braze_id", "user_alias", "email", "phone"} {
		if members[name] != nil {
			identifiers++
		}
	}
	if identifiers == 0 || array != "attributes" && identifiers > 1 { // attributes can be named email and phone
		return fmt.Errorf("%d identifiers", identifiers)
	}
	if array == "attributes" {
		return nil
	}
	if _, err := time.Parse(time.RFC3339, o.Time); err != nil {
		return err
	}
	for name, value := range o.Properties {
		if value == nil || strings.HasPrefix(name, "$") {
			return errors.New("a property that is null or has an invalid name")
		}
	}
	switch {
	case array == "events" && o.Name == "":
		return errors.New("an event without a name")
	case array != "purchases":
		return nil
	case o.ProductID == "" || len(o.Currency) != 3:
		return errors.New("a purchase without a product or currency")
	}
	var price float64
	return json.Unmarshal(o.Price, &price)
}

// Under synctest it is the year 2000.
func TestRecords(t *testing.T) {
	t.Parallel()
	event := []string{"u.id braze_id", "o.name braze_event_name", "o.at braze_time", "o.city braze[city]", "o.n braze[n]"}
	purchase := []string{
		"u.id braze_id", "p.id braze_product_id", "p.price braze_price", "p.currency braze_currency", "p.quantity braze_quantity",
		"p.at braze_time", "p.color braze[color]",
	}
	for name, tt := range map[string]struct {
		form   map[string]string
		fields []string
		row    string
		want   string
	}{
		"an event": {
			form: map[string]string{"braze_record": "events"}, fields: event,
			row: `{"u.id":{"value":7},"o.name":{"value":"rented"},"o.at":{"value":"2026-11-23 14:05:06"},"o.city":{"value":"Ulm"},` +
				`"o.n":{"value":null}}`,
			want: `{"events":[{"_update_existing_only":true,"external_id":"7","name":"rented","time":"2026-11-23T14:05:06Z",` +
				`"properties":{"city":"Ulm"}}]}`,
		},
		"an event of the form, in its zone": {
			form:   map[string]string{"braze_record": "events", "braze_event_name": " rented ", "time_zone": "Europe/Berlin"},
			fields: []string{"u.id braze_id", "o.at braze_time"},
			row:    `{"u.id":{"value":"u"},"o.at":{"value":"2026-07-23 14:05"}}`,
			want:   `{"events":[{"_update_existing_only":true,"external_id":"u","name":"rented","time":"2026-07-23T12:05:00Z"}]}`,
		},
		"an event without a time": {
			form: map[string]string{"braze_record": "events", "braze_event_name": "other"}, fields: event,
			row: `{"u.id":{"value":"u"},"o.name":{"value":"rented"},"o.at":{"value":null},"o.n":{"value":1.50}}`,
			want: `{"events":[{"_update_existing_only":true,"external_id":"u","name":"rented","time":"2000-01-01T00:00:00Z",` +
				`"properties":{"n":1.50}}]}`,
		},
		"a purchase": {
			form: map[string]string{"braze_record": "purchases", "braze_currency": "EUR"}, fields: purchase,
			row: `{"u.id":{"value":"u"},"p.id":{"value":"pencil"},"p.price":{"value":"2.50"},"p.currency":{"value":"usd"},` +
				`"p.quantity":{"value":3},"p.at":{"value":"2026-11-23T14:05:06+01:00"},"p.color":{"value":"red"}}`,
			want: `{"purchases":[{"_update_existing_only":true,"external_id":"u","product_id":"pencil","currency":"USD","price":2.50,` +
				`"quantity":3,` +
				`"time":"2026-11-23T13:05:06Z","properties":{"color":"red"}}]}`,
		},
		"a purchase in the form's currency": {
			form: map[string]string{"braze_record": "purchases", "braze_currency": "eur"}, fields: []string{
				"u.id braze_id",
				"p.id braze_product_id", "p.price braze_price",
			},
			row: `{"u.id":{"value":"u"},"p.id":{"value":17},"p.price":{"value":40}}`,
			want: `{"purchases":[{"_update_existing_only":true,"external_id":"u","product_id":"17","currency":"EUR","price":40,` +
				`"time":"2000-01-01T00:00:00Z"}]}`,
		},
		"by email address": {
			form: map[string]string{"braze_key": "email"}, fields: []string{"u.id braze_id", "u.tel braze[phone]"},
			row: `{"u.id":{"value":"a@example.com"},"u.tel":{"value":"+15043277269"}}`,
			want: `{"attributes":[{"_update_existing_only":true,"email":"a@example.com","phone":"+15043277269",` +
				`"looker_export":{"add":["VIPs"]}}]}`,
		},
		"by phone number": {
			form: map[string]string{"braze_key": "phone"}, fields: []string{"u.id braze_id"}, row: `{"u.id":{"value":"+15043277269"}}`,
			want: `{"attributes":[{"_update_existing_only":true,"phone":"+15043277269","looker_export":{"add":["VIPs"]}}]}`,
		},
		"by alias": {
			form: map[string]string{"braze_key": "user_alias", "braze_alias_label": "crm"}, fields: []string{"u.id braze_id"},
			row: `{"u.id":{"value":9}}`,
			want: `{"attributes":[{"_update_existing_only":true,"user_alias":{"alias_name":"9","alias_label":"crm"},` +
				`"looker_export":{"add":["VIPs"]}}]}`,
		},
		"an event by alias": {
			form: map[string]string{
				"braze_key": "user_alias", "braze_alias_label": "crm", "braze_record": "events",
				"braze_event_name": "e",
			},
			fields: []string{"u.id braze_id"}, row: `{"u.id":{"value":9}}`,
			want: `{"events":[{"_update_existing_only":true,"user_alias":{"alias_name":"9","alias_label":"crm"},"name":"e",` +
				`"time":"2000-01-01T00:00:00Z"}]}`,
		},
		"a label that is removed": {
			form: map[string]string{"braze_label_action": "remove"}, fields: []string{"u.id braze_id", "u.a braze[a]"},
			row:  `{"u.id":{"value":"u"},"u.a":{"value":1}}`,
			want: `{"attributes":[{"_update_existing_only":true,"external_id":"u","a":1,"looker_export":{"remove":["VIPs"]}}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got string
				d := actiontest.NewSocketless().Handle(func(r actiontest.Recorded) actiontest.Reply {
					got = string(r.Body)
					if _, _, err := parse(r.Body); err != nil {
						t.Error(err)
					}
					return accepted()
				})
				i := actiontest.New(t, braze.New, actiontest.Deps(t, d, nil))
				req := query(t, result(tt.row, tt.fields...))
				req.Form = answers(tt.form)
				if _, err := i.Execute(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Rows that Braze could not store are rejected without a call.
func TestInvalidRecords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	purchase := []string{
		"u.id braze_id", "p.id braze_product_id", "p.price braze_price", "p.currency braze_currency",
		"p.quantity braze_quantity",
	}
	row := func(price, currency, quantity string) string {
		return fmt.Sprintf(`{"u.id":{"value":"u"},"p.id":{"value":"p"},"p.price":{"value":%s},"p.currency":{"value":%s},`+
			`"p.quantity":{"value":%s}}`,
			price, currency, quantity)
	}
	events, purchases := map[string]string{"braze_record": "events"}, map[string]string{"braze_record": "purchases"}
	for name, tt := range map[string]struct {
		form    map[string]string
		fields  []string
		row     string
		message string
	}{
		"another record": {
			form: map[string]string{"braze_record": "users"}, fields: purchase,
			message: `"braze_record" must be attributes, events or purchases.`,
		},
		"another action": {
			form: map[string]string{"braze_label_action": "set"}, fields: purchase, message: `"braze_label_action" must be add or remove.`,
		},
		"no alias label": {
			form: map[string]string{"braze_key": "user_alias"}, fields: purchase,
			message: "Enter the alias label: users are identified by an alias.",
		},
		"a long label": {
			form: map[string]string{"braze_segment": long}, fields: purchase,
			message: "The label has more than 255 characters, which Braze does not store.",
		},
		"a long event": {
			form: map[string]string{"braze_record": "events", "braze_event_name": long}, fields: purchase,
			message: "The event's name has more than 255 characters, which Braze does not store.",
		},
		"no event": {
			form: events, fields: purchase,
			message: "Enter the event's name, or add a field tagged braze_event_name to the query.",
		},
		"no product": {form: purchases, fields: []string{"u.id braze_id"}, message: "Purchases need a field tagged braze_product_id in " +
			"the query."},
		"no price": {
			form: purchases, fields: []string{"u.id braze_id", "p.id braze_product_id"},
			message: "Purchases need a field tagged braze_price in the query.",
		},
		"no currency": {
			form: purchases, fields: []string{"u.id braze_id", "p.id braze_product_id", "p.price braze_price"},
			message: "Enter the currency, or add a field tagged braze_currency to the query.",
		},
		"a currency that is none": {
			form: map[string]string{"braze_record": "purchases", "braze_currency": "euros"}, fields: purchase,
			message: `"braze_currency" must be a currency's code of three letters, such as USD.`,
		},
		"a phone number and an email address": {
			form: map[string]string{"braze_key": "phone"}, fields: []string{"u.id braze_id", "u.mail braze[email]"},
			message: "The field u.mail is tagged braze[email]. Braze would identify users by it instead of phone. Remove the tag, or " +
				"choose email as the unique key.",
		},
		"a property's name": {
			form: map[string]string{"braze_record": "events", "braze_event_name": "e"}, fields: []string{"u.id braze_id", "u.x braze[$x]"},
			message: "The field u.x is tagged braze[$x], but a property's name must not begin with $ or have more than 255 characters.",
		},
		"a row without an event": {
			form: events, fields: []string{"u.id braze_id", "o.name braze_event_name"}, row: `{"u.id":{"value":"u"},` +
				`"o.name":{"value":null}}`,
			message: "A row has no value in the field tagged braze_event_name.",
		},
		"a row with a long event": {
			form: events, fields: []string{"u.id braze_id", "o.name braze_event_name"}, row: `{"u.id":{"value":"u"},"o.name":{"value":"` +
				long + `"}}`,
			message: "A row's event name or product ID has more than 255 characters.",
		},
		"a time that is none": {
			form:   map[string]string{"braze_record": "events", "braze_event_name": "e"},
			fields: []string{"u.id braze_id", "o.at braze_time"}, row: `{"u.id":{"value":"u"},"o.at":{"value":"noon"}}`,
			message: "A row's value in the field tagged braze_time is not a time, such as 2026-11-23 14:05:00.",
		},
		"a row without a product": {
			form: purchases, fields: purchase, row: `{"u.id":{"value":"u"},"p.price":{"value":1},"p.currency":{"value":"USD"}}`,
			message: "A row has no value in the field tagged braze_product_id.",
		},
		"a row without a price": {
			form: purchases, fields: purchase, row: row(`null`, `"USD"`, `1`),
			message: "A row's value in the field tagged braze_price is not a number.",
		},
		"a price with a sign": {
			form: purchases, fields: purchase, row: row(`"$2.50"`, `"USD"`, `1`),
			message: "A row's value in the field tagged braze_price is not a number.",
		},
		"a row without a currency": {
			form: purchases, fields: purchase, row: row(`1`, `null`, `1`),
			message: "A row has no value in the field tagged braze_currency.",
		},
		"a row with a currency that is none": {
			form: purchases, fields: purchase, row: row(`1`, `"$"`, `1`),
			message: "A row's value in the field tagged braze_currency must be a currency's code of three letters, such as USD.",
		},
		"too many": {
			form: purchases, fields: purchase, row: row(`1`, `"USD"`, `101`),
			message: "A row's value in the field tagged braze_quantity is not a whole number from 1 to 100.",
		},
		"half of one": {
			form: purchases, fields: purchase, row: row(`1`, `"USD"`, `0.5`),
			message: "A row's value in the field tagged braze_quantity is not a whole number from 1 to 100.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, braze.New, actiontest.Deps(t, d, nil))
			req := query(t, result(tt.row, tt.fields...))
			req.Form = answers(tt.form)
			if _, err := i.Execute(t.Context(), req); action.MessageOf(err) != tt.message || action.KindOf(err) != action.Invalid {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if len(d.Requests()) != 0 {
				t.Error("Braze was called")
			}
		})
	}
}

const eventsHead = `{"fields":{"dimensions":[{"name":"u.id","tags":["braze_id"]},{"name":"o.at","tags":["braze_time"]},{"name":"u.city",` +
	`"tags":["braze[city]"]}]}`

func rental(i int) string {
	return fmt.Sprintf(`{"u.id":{"value":%d},"o.at":{"value":"2026-11-23 14:05:06"},"u.city":{"value":"Zürich"}}`, i)
}

// eventsFake names the events that it rejects, and stores each one that it receives: Braze does not recognize them.
func eventsFake() *rowstest.Destination {
	d := fake()
	d.Rows = func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
		array, objects, err := parse(body)
		if err != nil || array != "events" {
			return nil, fmt.Errorf("a call with %s: %w", array, err)
		}
		rows := make([]rowstest.Row, len(objects))
		for i, o := range objects {
			rows[i] = rowstest.Row{ID: o.ExternalID}
		}
		return rows, nil
	}
	d.Answer = func(_ []rowstest.Row, rejected []int) rowstest.Answer {
		faults := []map[string]any{}
		for _, i := range rejected {
			faults = append(faults, map[string]any{"type": "'name' is blocklisted", "input_array": "events", "index": i})
		}
		body, err := json.Marshal(map[string]any{"message": "success", "errors": faults})
		if err != nil {
			panic(err)
		}
		return rowstest.Answer{Status: http.StatusCreated, Body: string(body)}
	}
	return d
}

// Each of 100,000 events is counted correctly under injected faults, and none is stored twice.
func TestInjectedFaultsOfEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 100_000
		d := eventsFake()
		i := actiontest.New(t, braze.New, d.Deps(nil))
		form := answers(map[string]string{"braze_record": "events", "braze_event_name": "rented"})
		_, err := i.Execute(t.Context(), rowstest.Query(t, actiontest.Query(params(), form), eventsHead, total, rental))
		if got := d.Check(t, total, err); got.Failed < total/1000 {
			t.Errorf("%+v, want at least the %d rejected rows to fail", got, total/1000)
		}
		if d.Calls()["limited"] == 0 || d.Unconfirmed() == 0 {
			t.Errorf("calls %v, %d rows unconfirmed", d.Calls(), d.Unconfirmed())
		}
		if got, want := action.MessageOf(err), "Some rows of the call may already have been stored, so they were not sent "+
			"again."; !strings.Contains(got, want) {
			t.Errorf("message %q, want %q in it", got, want)
		}
	})
}

// A call with events that Braze answers without naming the rejected ones is not sent again in parts.
func TestEventsAreNotBisected(t *testing.T) {
	t.Parallel()
	const doubt = " Some rows of the call may already have been stored, so they were not sent again."
	for name, tt := range map[string]struct {
		answer  actiontest.Reply
		message string
		calls   int
	}{
		"a fault of none": {
			actiontest.Reply{Status: http.StatusCreated, Body: `{"message":"success","errors":["'name' is odd"]}`},
			"0 of 2 rows delivered, 2 failed. Braze rejected a row: 'name' is odd" + doubt, 1,
		},
		"a fault of users": {
			actiontest.Reply{Status: http.StatusCreated, Body: `{"message":"success","errors":[{"type":"odd","input_array":"attributes",` +
				`"index":0}]}`},
			"0 of 2 rows delivered, 2 failed. Braze rejected a row: odd" + doubt, 1,
		},
		"a lost answer": {actiontest.Reply{Reset: true}, "0 of 2 rows delivered, 2 failed. The connection to Braze failed." + doubt, 1},
		"unavailable": {actiontest.Reply{Status: 503}, "0 of 2 rows delivered, 2 failed. Braze returned 503 Service Unavailable." +
			doubt, 1},
		// A fatal error: nothing was stored. https://www.braze.com/docs/api/errors/#fatal-errors
		"rejected as a whole": {actiontest.Reply{Status: 400}, "0 of 2 rows delivered, 2 rejected. Braze rejected a row (400).", 3},
		"limited":             {actiontest.Reply{Status: 429}, "0 of 2 rows delivered, 2 failed. Braze returned 429 Too Many Requests.", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				d := actiontest.NewSocketless().Handle(func(actiontest.Recorded) actiontest.Reply {
					calls++
					return tt.answer
				})
				i := actiontest.New(t, braze.New, actiontest.Deps(t, d, nil))
				req := query(t, result(`{"u.id":{"value":1}},{"u.id":{"value":2}}`, "u.id braze_id"))
				req.Form = answers(map[string]string{"braze_record": "events", "braze_event_name": "e"})
				_, err := i.Execute(t.Context(), req)
				if got := action.MessageOf(err); got != tt.message {
					t.Errorf("message %q, want %q", got, tt.message)
				}
				if calls != tt.calls {
					t.Errorf("%d calls, want %d", calls, tt.calls)
				}
			})
		})
	}
}

// The description in Looker has the hub's limit.
func TestDescription(t *testing.T) {
	t.Parallel()
	const text = "Flags users from Looker to Braze via the REST API for use with segmentation. Ensure there's a 'braze_id' field tagged " +
		"in the results."
	for limit, want := range map[string]string{"": " MAX EXPORT: 100000.", "500": " MAX EXPORT: 500.", "0": ""} {
		env := map[string]string{}
		if limit != "" {
			env["BRAZE_MAX_EXPORT"] = limit
		}
		if got := actiontest.New(t, braze.New, action.Deps{Env: env}).Definition().Description; got != text+want {
			t.Errorf("BRAZE_MAX_EXPORT=%s: %q", limit, got)
		}
	}
}

// profiles has the users' cities, as the calls in their order set them.
type profiles struct {
	mu     sync.Mutex
	cities map[string]string
}

func (p *profiles) apply(body []byte) error {
	var call struct {
		Attributes []struct {
			ID   string `json:"external_id"`
			City string `json:"city"`
		} `json:"attributes"`
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cities == nil {
		p.cities = map[string]string{}
	}
	for _, a := range call.Attributes {
		p.cities[a.ID] = a.City
	}
	return nil
}

// slowFirst is slower with calls that have the city 0.
type slowFirst struct{ profiles }

// RoundTrip implements [http.RoundTripper].
func (s *slowFirst) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte(`"city":"0"`)) {
		<-time.After(time.Second)
	}
	if err := s.apply(body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusCreated, Request: req, Body: io.NopCloser(strings.NewReader(success))}, nil
}

// A user with several rows gets the attributes of the last one, although calls are made at the same time.
func TestLastRowOfUserCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const users = 50 // a call
		s := &slowFirst{}
		i := actiontest.New(t, braze.New, action.Deps{HTTP: &http.Client{Transport: s}})
		req := rowstest.Query(t, actiontest.Query(params(), form()), peopleHead, 2*users, func(i int) string {
			return fmt.Sprintf(`{"u.id":{"value":%d},"u.city":{"value":"%d"}}`, i%users, i/users)
		})
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		for user := range users {
			if got := s.cities[fmt.Sprint(user)]; got != "1" {
				t.Errorf("user %d has the city of row %q, want that of the last one", user, got)
			}
		}
	})
}

// So does one of whose rows only the first one changed since the last delivery.
func TestLastRowOfUserCountsAmongChanges(t *testing.T) {
	t.Parallel()
	p, bucket := &profiles{}, new(rowbuckettest.S3)
	d := actiontest.NewDestination(t).Handle(bucket.Beside(func(r actiontest.Recorded) actiontest.Reply {
		if err := p.apply(r.Body); err != nil {
			return actiontest.Reply{Status: http.StatusBadRequest}
		}
		return accepted()
	}))
	i := actiontest.New(t, braze.New, actiontest.Deps(t, d, rowbuckettest.Env()))
	for _, first := range []string{"Rome", "Oslo"} {
		answers := form()
		answers["only_changes"] = "yes"
		rows := fmt.Sprintf(`{"u.id":{"value":"U1"},"u.city":{"value":%q}},{"u.id":{"value":"U1"},"u.city":{"value":"Bern"}}`, first)
		req := actiontest.JSONDetail(t, actiontest.Query(params(), answers), result(rows, "u.id braze_id", "u.city braze[city]"))
		req.Plan.ID = "17"
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if got := p.cities["U1"]; got != "Bern" {
			t.Errorf("after %s and Bern, the user's city is %q, want that of the last row", first, got)
		}
	}
}
