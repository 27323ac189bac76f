package mparticle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/action/actiontest/vendorapi"
	"integrationhub.dev/integrations/internal/rowstest"
	"integrationhub.dev/integrations/mparticle"
)

var params = map[string]string{"apiKey": "key", "apiSecret": "s3cret"}

func users() map[string]string {
	return map[string]string{"data_type": "user_data", "environment": "production"}
}

func events() map[string]string {
	return map[string]string{"data_type": "event_data", "environment": "development"}
}

// result returns a result with columns "name tag…", by group.
func result(rows string, groups map[string][]string) string {
	fields := map[string][]map[string]any{}
	for group, columns := range groups {
		for _, c := range columns {
			name, tags, _ := strings.Cut(c, " ")
			fields[group] = append(fields[group], map[string]any{"name": name, "tags": strings.Fields(tags)})
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return `{"fields":` + string(text) + `,"pivots":[{"key":"a"},{"key":"b"}],"data":[` + rows + `]}`
}

func dimensions(columns ...string) map[string][]string {
	return map[string][]string{"dimensions": columns}
}

// newIntegration sends requests to a transport. The first ones are checked against mParticle's schema.
func newIntegration(t *testing.T, transport http.RoundTripper) action.Integration {
	t.Helper()
	deps := actiontest.Deps(t, nil, nil)
	deps.HTTP = &http.Client{Transport: &described{RoundTripper: transport, t: t}}
	return actiontest.New(t, mparticle.New, deps)
}

// described checks the first requests against mParticle's schema.
type described struct {
	http.RoundTripper
	t       *testing.T
	checked atomic.Int32
}

// maxChecked is the number of requests that are checked. Later ones are of the same form.
const maxChecked = 5

// RoundTrip implements [http.RoundTripper].
func (d *described) RoundTrip(req *http.Request) (*http.Response, error) {
	if d.checked.Add(1) > maxChecked {
		return d.RoundTripper.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	vendorapi.Check(d.t, []vendorapi.Request{{
		Method: req.Method, Host: req.URL.Host, Path: req.URL.EscapedPath(), Query: req.URL.Query(), Header: req.Header, Body: body,
	}})
	req.Body = io.NopCloser(bytes.NewReader(body))
	return d.RoundTripper.RoundTrip(req)
}

func accepted() actiontest.Reply { return actiontest.Reply{Status: http.StatusAccepted} }

func query(t *testing.T, form map[string]string, text string) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, actiontest.Query(params, form), text)
}

// The complete request.
func TestWire(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form   map[string]string
		result string
		want   string
	}{
		"users": {
			users(),
			result(`{"u.id":{"value":12345678901234567890},"u.mail":{"value":null},"u.name":{"value":"n"},"e.name":{"value":"x"},"u.os":{"value":true},"n":{"a":{"value":1.50},"b":{"value":null}},"c":{"value":7}}`,
				map[string][]string{
					"dimensions": {"u.id x mp_customer_id", "u.mail mp_email", "u.name", "e.name mp_event_name", "u.os mp_device_info", "u.none"},
					"measures":   {"n"}, "table_calculations": {"c"},
				}),
			`[{"events":[],"user_attributes":{"looker_u.name":"n","looker_u.os":true,"looker_n_a":1.50,"looker_n_b":null,"looker_c":7},` +
				`"user_identities":{"customer_id":"12345678901234567890"},"device_info":{},"environment":"production"}]`,
		},
		"events": {
			events(),
			result(`{"u.id":{"value":"c"},"e.name":{"value":"Bought"},"e.kind":{"value":"transaction"},"e.id":{"value":5},"e.at":{"value":1700000000000},"e.s":{"value":"6051321688317951794"},"e.u":{"value":"84e1b361-a282-4adf-8a6d-1d31e6dd5a9e"},
				"u.plan":{"value":"free"},"o.sum":{"value":9.90},"d.os_version":{"value":"14"},"plain":{"value":1}}`,
				dimensions("u.id mp_customer_id", "e.name mp_event_name", "e.kind mp_custom_event_type", "e.id mp_event_id", "e.at mp_timestamp_unixtime_ms", "e.s mp_session_id", "e.u mp_session_uuid",
					"u.plan mp_user_attribute", "o.sum mp_custom_attribute", "d.os_version mp_device_info", "plain")),
			`[{"events":[{"data":{"custom_attributes":{"looker_o.sum":9.90},"event_name":"Bought","custom_event_type":"transaction","event_id":5,"timestamp_unixtime_ms":1700000000000,"session_id":6051321688317951794,"session_uuid":"84e1b361-a282-4adf-8a6d-1d31e6dd5a9e"},"event_type":"custom_event"}],` +
				`"user_attributes":{"looker_u.plan":"free"},"user_identities":{"customer_id":"c"},"device_info":{"os_version":"14"},"environment":"development"}]`,
		},
		"events without a name, and an invalid environment": {
			map[string]string{"data_type": "event_data", "environment": "staging"},
			result(`{"u.o":{"value":"o"},"e.name":{"value":null}}`, dimensions("u.o mp_other4", "e.name mp_event_name")),
			`[{"events":[{"data":{"custom_attributes":{},"event_name":"looker_custom_event","custom_event_type":"other"},"event_type":"custom_event"}],` +
				`"user_attributes":{},"user_identities":{"other_id_4":"o"},"device_info":{},"environment":"development"}]`,
		},
		"texts that are other types": {
			events(),
			result(`{"u.id":{"value":"c"},"e.name":{"value":7},"d.screen_width":{"value":"800"},"d.screen_dpi":{"value":160},"d.is_tablet":{"value":"Yes"},
				"d.has_nfc":{"value":"no"},"d.is_dst":{"value":false},"d.timezone_offset":{"value":null},"d.platform":{"a":{"value":"x"}}}`,
				dimensions("u.id mp_customer_id", "e.name mp_event_name", "d.screen_width mp_device_info", "d.screen_dpi mp_device_info", "d.is_tablet mp_device_info",
					"d.has_nfc mp_device_info", "d.is_dst mp_device_info", "d.timezone_offset mp_device_info", "d.platform mp_device_info")),
			`[{"events":[{"data":{"custom_attributes":{},"event_name":"7","custom_event_type":"other"},"event_type":"custom_event"}],"user_attributes":{},` +
				`"user_identities":{"customer_id":"c"},"device_info":{"screen_width":800,"screen_dpi":160,"is_tablet":true,"has_nfc":false,"is_dst":false,` +
				`"timezone_offset":null},"environment":"development"}]`,
		},
		"the last of two with a tag": {
			users(),
			result(`{"u.a":{"value":"a"},"u.b":{"value":"b"}}`, dimensions("u.a mp_email", "u.b mp_email mp_google")),
			`[{"events":[],"user_attributes":{},"user_identities":{"email":"b"},"device_info":{},"environment":"production"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, mparticle.New, actiontest.Deps(t, d, nil))
			res, err := i.Execute(t.Context(), query(t, tt.form, tt.result))
			if err != nil || res.Message != "1 rows sent to mParticle." {
				t.Fatalf("%+v, %v", res, err)
			}
			r := d.Requests()[0]
			if diff := cmp.Diff(tt.want, withoutIDs(t, r.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if got, want := r.Method, http.MethodPost; got != want {
				t.Errorf("method %q, want %q", got, want)
			}
			if got, want := r.Host, "inbound.mparticle.com"; got != want {
				t.Errorf("host %q, want %q", got, want)
			}
			if got, want := r.Path, "/s2s/v2/bulkevents"; got != want {
				t.Errorf("path %q, want %q", got, want)
			}
			if got, want := r.Header.Get("Authorization"), "Basic a2V5OnMzY3JldA=="; got != want {
				t.Errorf("Authorization %q, want %q", got, want)
			}
			if got, want := r.Header.Get("Content-Type"), "application/json"; got != want {
				t.Errorf("Content-Type %q, want %q", got, want)
			}
		})
	}
}

// The host is that of the hub's setting, unless the form has another one.
func TestRegions(t *testing.T) {
	t.Parallel()
	one := result(`{"u":{"value":"u"}}`, dimensions("u mp_other"))
	const feed = "inbound.mparticle.com/s2s/v2/bulkevents"
	for _, tt := range []struct{ setting, answer, want string }{
		{"", "", feed},
		{"", "default", feed},
		{"", "us2", "s2s.us2.mparticle.com/v2/bulkevents"},
		{"us1", "", "s2s.us1.mparticle.com/v2/bulkevents"},
		{"EU1", "default", "s2s.eu1.mparticle.com/v2/bulkevents"},
		{"eu1", "au1", "s2s.au1.mparticle.com/v2/bulkevents"},
		{"eu1", "feed", feed},
	} {
		d := actiontest.NewDestination(t).Reply(accepted())
		i := actiontest.New(t, mparticle.New, actiontest.Deps(t, d, map[string]string{"MPARTICLE_REGION": tt.setting}))
		form := users()
		form["region"] = tt.answer
		if _, err := i.Execute(t.Context(), query(t, form, one)); err != nil {
			t.Fatal(err)
		}
		if r := d.Requests()[0]; r.Host+r.Path != tt.want {
			t.Errorf("%+v: sent to %s%s", tt, r.Host, r.Path)
		}
	}
	if _, err := mparticle.New(actiontest.Deps(t, nil, map[string]string{"MPARTICLE_REGION": "example.com/"})); err == nil {
		t.Error("an odd region")
	}
}

// Every region in the form is accepted, and the default is the hub's setting.
func TestForm(t *testing.T) {
	t.Parallel()
	i := action.Resolve(actiontest.New(t, mparticle.New, actiontest.Deps(t, nil, nil)))
	form, err := i.Form.Form(t.Context(), query(t, nil, "{}"))
	if err != nil {
		t.Fatal(err)
	}
	field := form.Fields[len(form.Fields)-1]
	if field.Name != "region" || field.Default != "default" || field.Required {
		t.Errorf("field %+v", field)
	}
	var names []string
	for _, option := range field.Options {
		names = append(names, option.Name)
		d := actiontest.NewDestination(t).Reply(accepted())
		answers := users()
		answers["region"] = option.Name
		req := query(t, answers, result(`{"u":{"value":"u"}}`, dimensions("u mp_other")))
		if _, err := actiontest.New(t, mparticle.New, actiontest.Deps(t, d, nil)).Execute(t.Context(), req); err != nil {
			t.Errorf("%s: %v", option.Name, err)
		}
	}
	if diff := cmp.Diff([]string{"default", "feed", "us1", "us2", "eu1", "au1"}, names); diff != "" {
		t.Errorf("regions (-want +got):\n%s", diff)
	}
}

// A field with an unknown tag is logged by its name.
func TestUnknownTags(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(accepted())
	deps := actiontest.Deps(t, d, nil)
	var log bytes.Buffer
	deps.Log = slog.New(slog.NewTextHandler(&log, nil))
	text := result(`{"u":{"value":"u"},"d.colour":{"value":"red"},"x":{"value":"x"}}`, dimensions("u mp_other", "d.colour mp_device_info", "x mp_new", "plain"))
	if _, err := actiontest.New(t, mparticle.New, deps).Execute(t.Context(), query(t, events(), text)); err != nil {
		t.Fatal(err)
	}
	got := log.String()
	if strings.Count(got, "\n") != 2 {
		t.Errorf("%d lines in the log, want %d", strings.Count(got, "\n"), 2)
	}
	if got, want := got, "field=d.colour"; !strings.Contains(got, want) {
		t.Errorf("log %q, want text with %q", got, want)
	}
	if got, want := got, "field=x"; !strings.Contains(got, want) {
		t.Errorf("log %q, want text with %q", got, want)
	}
	if strings.Contains(got, "red") {
		t.Errorf("the log contains %q: %s", "red", got)
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	one := result(`{"u":{"value":"u"}}`, dimensions("u mp_other"))
	for name, tt := range map[string]struct {
		change  func(*action.Request)
		result  string
		message string
	}{
		"no key":             {func(r *action.Request) { r.Params = map[string]string{"apiSecret": "s"} }, one, `"apiKey" is required.`},
		"no secret":          {func(r *action.Request) { r.Params = map[string]string{"apiKey": "k"} }, one, `"apiSecret" is required.`},
		"no data type":       {func(r *action.Request) { delete(r.Form, "data_type") }, one, "Missing data type (user|event)."},
		"invalid data type":  {func(r *action.Request) { r.Form["data_type"] = "cats" }, one, "Missing data type (user|event)."},
		"invalid region":     {func(r *action.Request) { r.Form["region"] = "mars" }, one, `"region" must be default, feed, us1, us2, eu1 or au1.`},
		"no identity":        {func(*action.Request) {}, result(`{"u":{"value":"u"}}`, dimensions("u mp_event_name")), "Each row must specify at least 1 identity tag."},
		"no result":          {func(*action.Request) {}, `{}`, "The data is not a complete result in Looker's json_detail format."},
		"rows without one":   {func(*action.Request) {}, result(`{"u":{"value":null}}`, dimensions("u mp_other")), "A row has no value for any identity."},
		"rows too large":     {func(*action.Request) {}, result(`{"u":{"value":"`+strings.Repeat("x", 300_000)+`"}}`, dimensions("u mp_other")), "A row exceeds mParticle's limit of 256 KB."},
		"a failed query":     {func(*action.Request) {}, `{"errors":[{"message":"No such table."}],"fields":{},"data":[]}`, "Looker's query failed: No such table."},
		"groups that are no": {func(*action.Request) {}, `{"fields":{"measures":null},"data":[]}`, "Each row must specify at least 1 identity tag."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, mparticle.New, actiontest.Deps(t, d, nil))
			req := query(t, users(), tt.result)
			tt.change(req)
			if _, err := i.Execute(t.Context(), req); err == nil || action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if len(d.Requests()) != 0 {
				t.Error("mParticle was called")
			}
		})
	}
	i := actiontest.New(t, mparticle.New, actiontest.Deps(t, nil, nil))
	if _, err := i.Execute(t.Context(), actiontest.Query(params, users())); action.KindOf(err) != action.Invalid {
		t.Errorf("without data: %v", err)
	}
}

func TestMparticleFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer  rowstest.Answer
		kind    action.Kind
		message string
		calls   int
	}{
		"no credentials": {
			answer: rowstest.Answer{Status: 401}, kind: action.Unauthenticated,
			message: "mParticle rejected the API key and secret.", calls: 1,
		},
		"bad credentials": {
			answer: rowstest.Answer{Status: 403, Body: `{"message":"s3cret"}`}, kind: action.Forbidden,
			message: "mParticle rejected the API key and secret.", calls: 1,
		},
		"gone": {
			answer: rowstest.Answer{Status: 404}, kind: action.NotFound,
			message: "mParticle returned 404 Not Found.", calls: 1,
		},
		"a bad row": {
			answer: rowstest.Answer{Status: 400, Body: `{"message":"s3cret"}`}, kind: action.Invalid,
			message: "mParticle rejected a row because of a missing or invalid value (400).", calls: 1,
		},
		"limited": {
			answer: rowstest.Answer{Status: 429}, kind: action.RateLimited,
			message: "mParticle returned 429 Too Many Requests.", calls: 6,
		},
		"not available": {
			answer: rowstest.Answer{Status: 503}, kind: action.RateLimited,
			message: "mParticle is temporarily unavailable (503).", calls: 6,
		},
		"unavailable": {
			answer: rowstest.Answer{Status: 500}, kind: action.Unavailable,
			message: "mParticle returned 500 Internal Server Error.", calls: 6,
		},
		"a lie": {
			answer: rowstest.Answer{Status: 200, Body: "<html>"}, kind: action.Unavailable,
			message: "Unexpected response from mParticle.", calls: 6,
		},
		"limited for long": {
			answer: rowstest.Answer{Status: 429, Header: map[string]string{"Retry-After": "3600"}},
			kind:   action.RateLimited, message: "mParticle returned 429 Too Many Requests.", calls: 1,
		},
	} {
		for kind, form := range map[string]map[string]string{"users": users(), "events": events()} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					sink := &rowstest.Sink{Answer: tt.answer}
					_, err := newIntegration(t, sink).Execute(t.Context(), query(t, form, result(`{"u":{"value":"u"}}`, dimensions("u mp_other"))))
					if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
						t.Errorf("error %v (%v)", err, action.KindOf(err))
					}
					if strings.Contains(fmt.Sprint(err), "s3cret") {
						t.Errorf("the error tells too much: %v", err)
					}
					if sink.Calls() != tt.calls {
						t.Errorf("%d calls, want %d", sink.Calls(), tt.calls)
					}
				})
			})
		}
	}
}

func TestNoRows(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	res, err := actiontest.New(t, mparticle.New, actiontest.Deps(t, d, nil)).Execute(t.Context(), query(t, events(), result("", dimensions("u mp_other"))))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "0 rows sent to mParticle."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got, want := len(d.Requests()), 0; got != want {
		t.Errorf("%d calls, want %d", got, want)
	}
}

func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	whole := result(`{"u":{"value":1}},{"u":{"value":2}},{"u":{"value":3}}`, dimensions("u mp_other"))
	d := actiontest.NewDestination(t).Reply(accepted())
	i := actiontest.New(t, mparticle.New, actiontest.Deps(t, d, nil))
	req := actiontest.Download(t, actiontest.Query(params, events()), actiontest.BrokenDownload(whole[:len(whole)-10]))
	_, err := i.Execute(t.Context(), req)
	if got := action.MessageOf(err); got != "2 of 2 rows delivered, 0 failed. The download from Looker ended before the data was complete." {
		t.Errorf("message %q", got)
	}
}

const peopleHead = `{"fields":{"dimensions":[{"name":"u.id","tags":["mp_customer_id"]},{"name":"u.city","tags":["mp_custom_attribute"]}]}`

func person(i int) string {
	return fmt.Sprintf(`{"u.id":{"value":%d},"u.city":{"value":"Zürich"}}`, i)
}

// fake rejects a call because of one row. It deduplicates rows by their source_request_id.
func fake() *rowstest.Destination {
	return &rowstest.Destination{
		Rows: func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
			var batches []struct {
				RequestID  string `json:"source_request_id"`
				Identities struct {
					ID string `json:"customer_id"`
				} `json:"user_identities"`
			}
			if err := json.Unmarshal(body, &batches); err != nil {
				return nil, err
			}
			if len(batches) > 100 || len(body) > 256_000 {
				return nil, errors.New("a call that is too large")
			}
			rows := make([]rowstest.Row, len(batches))
			for i, b := range batches {
				rows[i] = rowstest.Row{ID: b.Identities.ID, Key: b.RequestID}
			}
			return rows, nil
		},
		Refuses: func(id string) bool { return strings.HasSuffix(id, "777") },
		Whole:   true,
		Answer: func(_ []rowstest.Row, rejected []int) rowstest.Answer {
			if len(rejected) > 0 {
				return rowstest.Answer{Status: http.StatusBadRequest}
			}
			return rowstest.Answer{Status: http.StatusAccepted, Header: map[string]string{"X-mp-rate-limit-percentage-used": "50"}}
		},
	}
}

// Each of 100,000 rows arrives once or is counted as rejected, whatever fault is injected.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]map[string]string{"users": users(), "events": events()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const total = 100_000
				d := fake()
				i := actiontest.New(t, mparticle.New, d.Deps(nil))
				_, err := i.Execute(t.Context(), rowstest.Query(t, actiontest.Query(params, form), peopleHead, total, person))
				got := d.Check(t, total, err)
				if want := (rowstest.Account{Delivered: total - total/1000, Failed: total / 1000}); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
				if got := d.Unconfirmed(); got != 0 {
					t.Errorf("%d rows unconfirmed", got)
				}
				const want = "99900 of 100000 rows delivered, 100 rejected. mParticle rejected a row because of a missing or invalid value (400)."
				if got := action.MessageOf(err); got != want {
					t.Errorf("message %q, want %q", got, want)
				}
			})
		})
	}
}

// The rate of calls follows the usage that mParticle reports.
func TestPace(t *testing.T) {
	t.Parallel()
	const calls = 300
	for used, within := range map[string][2]time.Duration{
		// 2.7 calls a second is the initial rate.
		"":   {calls * time.Second / 3, calls * time.Second / 2},
		"80": {calls * time.Second / 3, calls * time.Second / 2},
		"10": {0, calls * time.Second / 8},
		"95": {calls * time.Second, 4 * calls * time.Second},
	} {
		t.Run("used "+used, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				header := map[string]string{}
				if used != "" {
					header["X-mp-rate-limit-percentage-used"] = used
				}
				i := newIntegration(t, &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusAccepted, Header: header}})
				begin := time.Now()
				if _, err := i.Execute(t.Context(), rowstest.Query(t, actiontest.Query(params, users()), peopleHead, calls*100, person)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took < within[0] || took > within[1] {
					t.Errorf("%d calls took %v, want %v", calls, took, within)
				}
			})
		})
	}
}

// A delivery that would exceed its timeout ends early, and reports what was sent.
func TestRateLimitNearDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		d := fake()
		d.NoFaults, d.Refuses = true, nil
		d.Answer = func([]rowstest.Row, []int) rowstest.Answer { return rowstest.Answer{Status: http.StatusAccepted} }
		i := newIntegration(t, d)
		_, err := i.Execute(ctx, rowstest.Query(t, actiontest.Query(params, events()), peopleHead, 100_000, person))
		message := action.MessageOf(err)
		sent := fmt.Sprintf("%d of ", d.Calls()["fine"]*100)
		if got, want := action.KindOf(err), action.Timeout; got != want {
			t.Errorf("kind %v, want %v", got, want)
		}
		if got, want := message, sent; !strings.HasPrefix(got, want) {
			t.Errorf("error %q, want prefix %q", got, want)
		}
		if got, want := message, "At the destination's rate limit, the delivery would exceed its timeout."; !strings.Contains(got, want) {
			t.Errorf("error %q, want text with %q", got, want)
		}
	})
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const total, most = 1_000_000, 32 << 20
				sink := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusAccepted}}
				req := way.Query(t, actiontest.Query(params, events()), peopleHead, total, person)
				res, err := newIntegration(t, sink).Execute(t.Context(), req)
				if err != nil || res.Message != strconv.Itoa(total)+" rows sent to mParticle." {
					t.Fatalf("%+v, %v", res, err)
				}
				if heap := sink.Heap(t); heap > most {
					t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
				}
				t.Logf("%d rows, heap at most %.1f MiB", total, float64(sink.Heap(t))/(1<<20))
			})
		})
	}
}
