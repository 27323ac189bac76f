package digitaloceandroplet_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/digitaloceandroplet"
)

// droplet is a droplet of the fake.
type droplet struct {
	// off is set for a droplet that is off. DigitalOcean rejects an action for it.
	off bool
	// deaf droplets do not react to a shutdown. The action is completed nevertheless: it only means that the command was issued.
	deaf bool
	// errored are the types of actions that end with an error.
	errored string
	// locked is the number of orders that are rejected because another action is in progress. It turns the droplet off.
	locked int
	// gone droplets do not exist.
	gone bool
}

// fake is a fake of DigitalOcean: https://docs.digitalocean.com/reference/api/digitalocean/#tag/Droplet-Actions. An action is in
// progress at the first poll.
type fake struct {
	droplets map[string]*droplet
	// fail returns the response to the nth request of an operation that must fail, or nil.
	fail func(operation string, nth int) *actiontest.Reply

	mu      sync.Mutex
	orders  []string
	actions []string
	polls   map[string]int
	count   map[string]int
}

func (f *fake) start(t *testing.T) action.Integration {
	t.Helper()
	f.polls, f.count = map[string]int{}, map[string]int{}
	return actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, actiontest.NewSocketless().Handle(f.answer), nil))
}

func reply(status int, format string, args ...any) actiontest.Reply {
	return actiontest.Reply{Status: status, Body: fmt.Sprintf(format, args...)}
}

func (f *fake) answer(r actiontest.Recorded) actiontest.Reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts := strings.Split(strings.TrimPrefix(r.Path, "/v2/droplets/"), "/")
	operation := []string{"read", "order", "action"}[len(parts)-1]
	f.count[operation]++
	if r.Host != "api.digitalocean.com" || r.Header.Get("Authorization") != "Bearer "+key {
		return reply(http.StatusUnauthorized, `{"id":"unauthorized","message":"Unable to authenticate you"}`)
	}
	if f.fail != nil {
		if failure := f.fail(operation, f.count[operation]); failure != nil {
			return *failure
		}
	}
	d := f.droplets[parts[0]]
	if d == nil || d.gone {
		return reply(http.StatusNotFound, `{"id":"not_found","message":"The resource\nis gone."}`)
	}
	switch operation {
	case "read":
		return reply(http.StatusOK, `{"droplet":{"id":%s,"status":%q}}`, parts[0], map[bool]string{true: "off", false: "active"}[d.off])
	case "order":
		return f.order(parts[0], d, r.Body)
	}
	return f.poll(d, parts[2])
}

func (f *fake) order(id string, d *droplet, body []byte) actiontest.Reply {
	var order struct{ Type string }
	if json.Unmarshal(body, &order) != nil || order.Type != "shutdown" && order.Type != "power_off" {
		return reply(http.StatusUnprocessableEntity, `{"message":"no such action"}`)
	}
	f.orders = append(f.orders, order.Type+" "+id)
	switch {
	case d.off:
		return reply(http.StatusUnprocessableEntity, `{"id":"unprocessable_entity","message":"Droplet is already powered off."}`)
	case d.locked > 0:
		if d.locked--; d.locked == 0 {
			d.off = true
		}
		return reply(http.StatusUnprocessableEntity, `{"id":"unprocessable_entity","message":"Droplet already has a pending event."}`)
	}
	f.actions = append(f.actions, order.Type)
	return reply(http.StatusCreated, `{"action":{"id":%d,"status":"in-progress","type":%q}}`, len(f.actions), order.Type)
}

func (f *fake) poll(d *droplet, number string) actiontest.Reply {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(f.actions) {
		return reply(http.StatusNotFound, `{"message":"no such action"}`)
	}
	state, kind := "in-progress", f.actions[n-1]
	if f.polls[number]++; f.polls[number] > 1 {
		state = "completed"
	}
	switch {
	case state == "completed" && strings.Contains(d.errored, kind):
		state = "errored"
	case state == "completed" && (kind == "power_off" || !d.deaf):
		d.off = true
	}
	return reply(http.StatusOK, `{"action":{"id":%d,"status":%q,"type":%q}}`, n, state, kind)
}

func TestStop(t *testing.T) {
	t.Parallel()
	const deafMessage = "Droplet 1 was still on 2 minutes after its shutdown. Check it, or choose to power it off."
	for name, tt := range map[string]struct {
		method  string
		droplet droplet
		fail    func(string, int) *actiontest.Reply
		orders  []string
		message string
		took    time.Duration
	}{
		"shut down by default": {
			orders: []string{"shutdown 1"}, message: "1 droplets are off.", took: 20 * time.Second,
		},
		"shut down": {
			method: "shutdown", orders: []string{"shutdown 1"}, message: "1 droplets are off.", took: 20 * time.Second,
		},
		"a shutdown without an effect": {
			droplet: droplet{deaf: true}, orders: []string{"shutdown 1"}, message: deafMessage, took: 2 * time.Minute,
		},
		"powered off after it": {
			method: "shutdown_then_power_off", droplet: droplet{deaf: true}, orders: []string{"shutdown 1", "power_off 1"},
			message: "1 droplets are off.", took: 2*time.Minute + 20*time.Second,
		},
		"not needed": {
			method: "shutdown_then_power_off", orders: []string{"shutdown 1"}, message: "1 droplets are off.", took: 20 * time.Second,
		},
		"powered off": {
			method: "power_off", droplet: droplet{deaf: true}, orders: []string{"power_off 1"}, message: "1 droplets are " +
				"off.", took: 20 * time.Second,
		},
		"a shutdown that failed": {
			droplet: droplet{errored: "shutdown"}, orders: []string{"shutdown 1"}, took: 20 * time.Second,
			message: "Droplet 1: DigitalOcean reports that its shutdown failed. Check it, or choose to power it off.",
		},
		"powered off after a failure": {
			method: "shutdown_then_power_off", droplet: droplet{errored: "shutdown"}, orders: []string{"shutdown 1", "power_off 1"},
			message: "1 droplets are off.", took: 40 * time.Second,
		},
		"both failed": {
			method: "shutdown_then_power_off", droplet: droplet{errored: "shutdown power_off"}, orders: []string{
				"shutdown 1",
				"power_off 1",
			},
			took: 40 * time.Second, message: "Droplet 1: DigitalOcean reports that its power_off failed. Check it in DigitalOcean.",
		},
		"off already": {
			droplet: droplet{off: true}, orders: []string{"shutdown 1"}, message: "1 droplets are off.",
		},
		"busy with what turns it off": {
			droplet: droplet{locked: 1}, orders: []string{"shutdown 1"}, message: "1 droplets are off.",
		},
		"busy for long": {
			droplet: droplet{locked: 9}, orders: []string{"shutdown 1"}, took: 2 * time.Minute,
			message: "Droplet 1: DigitalOcean returned 422: Droplet already has a pending event. It was still on 2 minutes later. " +
				"Check it, or choose to power it off.",
		},
		"a lost response": {
			orders: []string{"shutdown 1"}, message: "1 droplets are off.", took: 21 * time.Second,
			fail: func(operation string, nth int) *actiontest.Reply {
				if operation == "order" && nth == 1 {
					return &actiontest.Reply{Reset: true}
				}
				return nil
			},
		},
		"a poll that fails": {
			orders: []string{"shutdown 1"}, message: "1 droplets are off.", took: 20 * time.Second,
			fail: func(operation string, nth int) *actiontest.Reply {
				if operation == "action" && nth == 1 {
					return &actiontest.Reply{Status: 503}
				}
				return nil
			},
		},
		"a key that may not read": {
			orders: []string{"shutdown 1"}, took: 10 * time.Second,
			message: "DigitalOcean accepted the request for droplet 1, but the API key is not allowed to read whether it is off. Give it the scope " +
				"droplet:read.",
			fail: func(operation string, _ int) *actiontest.Reply {
				if operation != "order" {
					return &actiontest.Reply{Status: 403, Body: `{"message":"You are not authorized"}`}
				}
				return nil
			},
		},
		"a droplet that is gone": {
			droplet: droplet{gone: true}, message: "Droplet 1: DigitalOcean returned 404: The resource is gone.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{droplets: map[string]*droplet{"1": &tt.droplet}, fail: tt.fail}
				begin := time.Now()
				res, err := f.start(t).Execute(t.Context(), query(t, tt.method, "1"))
				got := action.MessageOf(err)
				if err == nil {
					got = res.Message
				}
				if got != tt.message {
					t.Errorf("message %q, want %q", got, tt.message)
				}
				if diff := cmp.Diff(tt.orders, f.orders); diff != "" {
					t.Errorf("orders (-want +got):\n%s", diff)
				}
				// A retry waits for about a second.
				if took := time.Since(begin).Truncate(10 * time.Second); took != tt.took.Truncate(10*time.Second) {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

// Each droplet is turned off once. One that fails does not affect the others.
func TestQuery(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ids     []string
		orders  int
		message string
	}{
		"several, one twice": {[]string{"1", `"2"`, "1"}, 2, "2 droplets are off."},
		"no rows":            {nil, 0, "0 droplets are off."},
		"one that is gone": {
			[]string{"1", "4", "3"},
			2,
			"2 of 3 stop orders delivered, 1 rejected. Droplet 4: DigitalOcean returned 404: The resource is gone.",
		},
		"invalid member": {
			[]string{"1", "null", `"3/../4"`, "0"},
			0,
			"3 of 4 rows have no valid droplet ID in the field tagged digitalocean_droplet_id. Nothing was done.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{droplets: map[string]*droplet{"1": {}, "2": {}, "3": {}}}
				res, err := f.start(t).Execute(t.Context(), query(t, "", tt.ids...))
				got := action.MessageOf(err)
				if err == nil {
					got = res.Message
				}
				if got != tt.message {
					t.Errorf("message %q, want %q", got, tt.message)
				}
				if len(f.orders) != tt.orders {
					t.Errorf("orders %q, want %d", f.orders, tt.orders)
				}
			})
		})
	}
}

// 300 droplets stay within the rate limit of 250 calls a minute, and are waited for together.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 300
		f := &fake{droplets: map[string]*droplet{}}
		ids := make([]string, total)
		for n := range ids {
			ids[n] = strconv.Itoa(n + 1)
			f.droplets[ids[n]] = &droplet{}
		}
		begin, minutes := time.Now(), map[int]int{}
		f.fail = func(string, int) *actiontest.Reply {
			minutes[int(time.Since(begin).Minutes())]++
			return nil
		}
		res, err := f.start(t).Execute(t.Context(), query(t, "", ids...))
		if err != nil || res.Message != "300 droplets are off." {
			t.Fatalf("%+v, %v", res, err)
		}
		for minute, calls := range minutes {
			if calls > 250 {
				t.Errorf("%d calls in minute %d", calls, minute)
			}
		}
		if took := time.Since(begin); took > 10*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

// Of the limits, only that of a minute has a Retry-After. The other one's end is a time:
// https://docs.digitalocean.com/reference/api/digitalocean/#section/Introduction/Rate-Limit
func TestHourlyLimit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reset   time.Duration
		calls   int
		message string
	}{
		"soon":       {time.Minute, 2, "1 droplets are off."},
		"in an hour": {time.Hour, 1, "Droplet 1: DigitalOcean returned 429 Too Many Requests."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				reset, calls := time.Now().Add(tt.reset), 0
				f := &fake{droplets: map[string]*droplet{"1": {}}, fail: func(operation string, _ int) *actiontest.Reply {
					if operation != "order" {
						return nil
					}
					if calls++; !time.Now().Before(reset) {
						return nil
					}
					return &actiontest.Reply{
						Status: http.StatusTooManyRequests, Body: `{"id":"too_many_requests","message":"API Rate limit exceeded."}`,
						Header: map[string]string{"Ratelimit-Reset": strconv.FormatInt(reset.Unix(), 10)},
					}
				}}
				res, err := f.start(t).Execute(t.Context(), query(t, "", "1"))
				got := action.MessageOf(err)
				if err == nil {
					got = res.Message
				}
				if got != tt.message || calls != tt.calls {
					t.Errorf("message %q after %d calls, want %q after %d", got, calls, tt.message, tt.calls)
				}
			})
		})
	}
}

// A cell has one droplet, and its value may have spaces around it.
func TestCell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{droplets: map[string]*droplet{"3164450": {}}}
		res, err := f.start(t).Execute(t.Context(), cell(" 3164450 "))
		if err != nil || res.Message != "1 droplets are off." {
			t.Fatalf("%+v, %v", res, err)
		}
		if diff := cmp.Diff([]string{"shutdown 3164450"}, f.orders); diff != "" {
			t.Errorf("orders (-want +got):\n%s", diff)
		}
	})
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	var options []string
	for _, o := range got.Fields[0].Options {
		options = append(options, o.Name)
	}
	if diff := cmp.Diff([]string{"shutdown", "shutdown_then_power_off", "power_off"}, options); diff != "" ||
		got.Fields[0].Default != "shutdown" {
		t.Errorf("default %q, options (-want +got):\n%s", got.Fields[0].Default, diff)
	}
	if _, err := i.Execute(t.Context(), query(t, "destroy", "1")); action.MessageOf(err) != `"method" must be shutdown, `+
		`shutdown_then_power_off or power_off.` {
		t.Errorf("error %v", err)
	}
}
