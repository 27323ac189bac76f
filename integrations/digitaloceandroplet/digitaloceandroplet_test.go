package digitaloceandroplet_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/digitaloceandroplet"
)

const key = "s3cret"

func query(t *testing.T, ids ...string) *action.Request {
	t.Helper()
	var rows []string
	for _, id := range ids {
		rows = append(rows, `{"d.id":{"value":`+id+`}}`)
	}
	return actiontest.JSONDetail(t, actiontest.Query(map[string]string{"digitalocean_api_key": key + "\n"}, nil),
		`{"fields":{"dimensions":[{"name":"d.id","tags":["digitalocean_droplet_id"]}]},"data":[`+strings.Join(rows, ",")+`]}`)
}

func cell(value string) *action.Request {
	req := actiontest.Query(map[string]string{"digitalocean_api_key": key, "value": value}, nil)
	req.Type = action.TypeCell
	return req
}

func ordered() actiontest.Reply {
	return actiontest.Reply{Status: http.StatusCreated, Body: `{"action":{"id":36804636,"status":"in-progress"}}`}
}

func paths(d *actiontest.Destination) []string {
	var all []string
	for _, r := range d.Requests() {
		all = append(all, r.Path)
	}
	slices.Sort(all)
	return all
}

func TestWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(ordered())
	i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, d, nil))
	res, err := i.Execute(t.Context(), cell(" 3164450 "))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&action.Response{Message: "1 droplets powered off."}, res); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	requests := d.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests arrived, want 1", len(requests))
	}
	r := requests[0]
	if got, want := r.Method, http.MethodPost; got != want {
		t.Errorf("method %q, want %q", got, want)
	}
	if got, want := r.Host, "api.digitalocean.com"; got != want {
		t.Errorf("host %q, want %q", got, want)
	}
	if got, want := r.Path, "/v2/droplets/3164450/actions"; got != want {
		t.Errorf("path %q, want %q", got, want)
	}
	if got, want := string(r.Body), `{"type":"power_off"}`; got != want {
		t.Errorf("body %q, want %q", got, want)
	}
	if got, want := r.Header.Get("Authorization"), "Bearer "+key; got != want {
		t.Errorf("Authorization %q, want %q", got, want)
	}
	if got, want := r.Header.Get("Content-Type"), "application/json"; got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
}

// Each droplet is powered off once. One that fails does not affect the others.
func TestQuery(t *testing.T) {
	t.Parallel()
	const off = "/v2/droplets/%d/actions"
	for name, tt := range map[string]struct {
		ids     []string
		failing string
		reply   actiontest.Reply
		want    []string
		message string
	}{
		"several, one twice": {
			[]string{"1", `"2"`, "1"},
			"",
			actiontest.Reply{},
			[]string{fmt.Sprintf(off, 1), fmt.Sprintf(off, 2)},
			"2 droplets powered off.",
		},
		"no rows": {nil, "", actiontest.Reply{}, nil, "0 droplets powered off."},
		"one that is gone": {
			[]string{"1", "2", "3"},
			"2",
			actiontest.Reply{Status: 404, Body: `{"id":"not_found","message":"The resource\nis gone."}`},
			[]string{fmt.Sprintf(off, 1), fmt.Sprintf(off, 2), fmt.Sprintf(off, 3)},
			"2 of 3 stop orders delivered, 1 failed. Droplet 2: DigitalOcean answered 404: The resource is gone.",
		},
		"no reason": {
			[]string{"1"},
			"1",
			actiontest.Reply{Status: 422},
			[]string{fmt.Sprintf(off, 1)},
			"Droplet 1: DigitalOcean answered 422 Unprocessable Entity.",
		},
		"invalid member": {
			[]string{"1", "null", `"3/../4"`, "0"},
			"",
			actiontest.Reply{},
			nil,
			"3 of 4 rows have no valid droplet ID in the field tagged digitalocean_droplet_id. Nothing was done.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
				if tt.failing != "" && strings.Contains(r.Path, "/"+tt.failing+"/") {
					return tt.reply
				}
				return ordered()
			})
			i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, d, nil))
			res, err := i.Execute(t.Context(), query(t, tt.ids...))
			got := action.MessageOf(err)
			if err == nil {
				got = res.Message
			}
			if got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if diff := cmp.Diff(tt.want, paths(d)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// After a rejected key, the remaining droplets are not tried.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 401, Body: `{"message":"` + key + `"}`})
	i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, d, nil))
	ids := make([]string, 100)
	for n := range ids {
		ids[n] = fmt.Sprint(n + 1)
	}
	_, err := i.Execute(t.Context(), query(t, ids...))
	if got, want := action.KindOf(err), action.Unauthenticated; got != want {
		t.Errorf("kind %v, want %v", got, want)
	}
	if got, want := action.MessageOf(err), "DigitalOcean rejected the API key."; !strings.Contains(got, want) {
		t.Errorf("error %q, want text with %q", got, want)
	}
	if strings.Contains(err.Error(), key) {
		t.Errorf("the error contains %q: %s", key, err.Error())
	}
	if n := len(d.Requests()); n > 20 {
		t.Errorf("%d calls after the key was rejected", n)
	}
}

// Powering off can be repeated.
func TestOrderedAgain(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]actiontest.Reply{
		"its rate": {Status: 429, Header: map[string]string{"Retry-After": "1"}}, "unavailable": {Status: 500}, "a reset": {Reset: true},
		"a web page": {Body: "<html>"}, "no action": {Body: `{"action":{}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(first, ordered())
			i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), cell("7")); err != nil || len(d.Requests()) != 2 {
				t.Errorf("%d calls, %v", len(d.Requests()), err)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, digitaloceandroplet.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), cell("7"))
		took := time.Since(start)
		if got, want := action.MessageOf(err), "DigitalOcean did not answer in time."; got != want {
			t.Errorf("error %q, want %q", got, want)
		}
		if got, want := action.KindOf(err), action.Timeout; got != want {
			t.Errorf("kind %v, want %v", got, want)
		}
		if took < 5*time.Minute {
			t.Errorf("it took %v, want at least %v", took, 5*time.Minute)
		}
		if took > 7*time.Minute {
			t.Errorf("it took %v, want at most %v", took, 7*time.Minute)
		}
	})
}

func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(ordered())
	i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, d, nil))
	req := actiontest.Download(t, actiontest.Query(map[string]string{"digitalocean_api_key": key}, nil),
		actiontest.BrokenDownload(`{"fields":{"dimensions":[{"name":"d","tags":["digitalocean_droplet_id"]}]},"data":[{"d":{"value":1}},`))
	_, err := i.Execute(t.Context(), req)
	if got, want := action.MessageOf(err), "The download from Looker broke off before the data was complete."; got != want || len(d.Requests()) != 0 {
		t.Errorf("message %q, want %q; %d calls", got, want, len(d.Requests()))
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	noKey := cell("7")
	delete(noKey.Params, "digitalocean_api_key")
	for name, tt := range map[string]struct {
		req     *action.Request
		message string
	}{
		"a value": {cell(""), "Couldn't get data from attachment."},
		"a key":   {noKey, `"digitalocean_api_key" is required.`},
	} {
		i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, nil, nil)) // a call would panic
		if _, err := i.Execute(t.Context(), tt.req); action.MessageOf(err) != tt.message || action.KindOf(err) != action.Invalid {
			t.Errorf("without %s: %v, want %q", name, err, tt.message)
		}
	}
}
