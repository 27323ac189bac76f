package googleadsconversions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	conversions "integrationhub.dev/integrations/googleadsconversions"
	"integrationhub.dev/integrations/internal/rowstest"
)

// head is a result without its rows.
const head = `{"fields":{"dimensions":[{"name":"t.time","tags":["google_ads_conversion_time"]},` +
	`{"name":"t.gclid","tags":["google_ads_gclid"]},{"name":"t.email","tags":["email"]},` +
	`{"name":"t.currency","tags":["google_ads_currency"]}],` +
	`"measures":[{"name":"t.value","tags":["google_ads_conversion_value"]}]}`

// generated is a row of a large result. Each thousandth row has no time, and each thousandth a currency that
// Google rejects.
func generated(i int) string {
	clock, currency := "2026-11-22 10:00:00", "EUR"
	switch i % 1000 {
	case 1:
		clock = ""
	case 777:
		currency = "XTS"
	}
	return fmt.Sprintf(`{"t.time":{"value":%q},"t.gclid":{"value":"Cj%d"},"t.email":{"value":"p%d@example.com"},"t.value":{"value":%d.5},`+
		`"t.currency":{"value":%q}}`, clock, i, i, i, currency)
}

// received parses a call as the Data Manager API does, which counts each transaction ID once.
func received(_ *http.Request, body []byte) ([]rowstest.Row, error) {
	var request ingestRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	all := make([]rowstest.Row, len(request.Events))
	for i, e := range request.Events {
		all[i] = rowstest.Row{ID: e.Click.Gclid, Key: e.Transaction}
		for _, reason := range e.check() {
			if reason != "INVALID_CURRENCY_CODE" {
				return nil, fmt.Errorf("event %d: %s", i, reason)
			}
		}
	}
	return all, nil
}

func answer(_ []rowstest.Row, rejected []int) rowstest.Answer {
	if len(rejected) == 0 {
		return rowstest.Answer{Status: http.StatusOK, Body: `{"requestId":"t-3"}`}
	}
	var all []violation
	for _, n := range rejected {
		all = append(all, violation{fmt.Sprintf("events.events[%d].currency", n), "s3cret", "INVALID_CURRENCY_CODE"})
	}
	return rowstest.Answer{Status: http.StatusBadRequest, Body: badRequest(all)}
}

// A bad day: Google rejects calls because of single rows, limits rates, and loses responses before and
// after it accepted the conversions. Each conversion is counted once.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total, unreadable, unsupported = 100_000, 100, 100
		refuses := func(id string) bool { return strings.HasSuffix(id, "777") }
		d := &rowstest.Destination{Rows: received, Refuses: refuses, Whole: true, Answer: answer}
		deps := d.Deps(env)
		deps.StartJob = new(jobs).start
		i := actiontest.New(t, conversions.New, deps)
		conversions.StopClock(i)
		_, err := i.Execute(t.Context(), rowstest.Query(t, request(nil), head, total, generated))
		got := d.Check(t, total, err)
		if want := (rowstest.Account{Delivered: total - unreadable - unsupported, Failed: unreadable + unsupported}); got != want {
			t.Errorf("account %+v, want %+v", got, want)
		}
		want := fmt.Sprintf("%d of %d rows delivered, %d rejected. A row has no conversion time (first: row 2). "+
			"A currency code is not valid.", total-unreadable-unsupported, total, unreadable+unsupported)
		if m := action.MessageOf(err); m != want {
			t.Errorf("message %q\nwant    %q", m, want)
		}
		for _, fault := range []string{"limited", "unavailable", "unreachable", "cut before", "cut after", "silent"} {
			if d.Calls()[fault] == 0 {
				t.Errorf("no call was %s: %v", fault, d.Calls())
			}
		}
	})
}

// An error that every call would have ends the delivery: at most the two calls that are made at once.
func TestDestinationErrorEndsDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := actiontest.NewSocketless().Handle(dataManager("a1"))
		req := rowstest.Query(t, request(map[string]string{"conversion_action_id": "1"}), head, 20_000, generated)
		_, err := newIntegration(t, d).Execute(t.Context(), req)
		if got, want := action.KindOf(err), action.NotFound; got != want {
			t.Errorf("kind %v, want %v: %v", got, want, err)
		}
		if n := len(d.Requests()); n < 1 || n > 2 {
			t.Errorf("%d calls", n)
		}
	})
}

// A call that Google rejects without naming rows is divided, until the others are delivered.
func TestUnnamedRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 4_000
		unnamed := func(rows []rowstest.Row, rejected []int) rowstest.Answer {
			if len(rejected) > 0 {
				return rowstest.Answer{Status: http.StatusBadRequest, Body: `{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}`}
			}
			return answer(rows, rejected)
		}
		refuses := func(id string) bool { return id == "Cj777" }
		d := &rowstest.Destination{Rows: received, Refuses: refuses, Whole: true, Answer: unnamed, NoFaults: true}
		deps := d.Deps(env)
		deps.StartJob = new(jobs).start
		i := actiontest.New(t, conversions.New, deps)
		conversions.StopClock(i)
		_, err := i.Execute(t.Context(), rowstest.Query(t, request(nil), head, total, func(i int) string {
			return fmt.Sprintf(`{"t.time":{"value":"2026-11-22 10:00:00"},"t.gclid":{"value":"Cj%d"}}`, i)
		}))
		if got, want := d.Check(t, total, err), (rowstest.Account{Delivered: total - 1, Failed: 1}); got != want {
			t.Errorf("account %+v, want %+v", got, want)
		}
	})
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) {
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			const total, most = 1_000_000, 32 << 20
			synctest.Test(t, func(t *testing.T) {
				sink := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: `{"requestId":"t-4"}`}}
				deps := (&rowstest.Destination{}).Deps(env)
				deps.HTTP, deps.StartJob = &http.Client{Transport: sink}, new(jobs).start
				i := actiontest.New(t, conversions.New, deps)
				conversions.StopClock(i)
				res, err := i.Execute(t.Context(), way.Query(t, request(nil), head, total, func(i int) string { return generated(i - i%1000) }))
				if err != nil {
					t.Fatal(err)
				}
				if got, want := res.Message, fmt.Sprint(total)+done; got != want {
					t.Errorf("message %q, want %q", got, want)
				}
				if got, want := sink.Calls(), total/2000; got != want {
					t.Errorf("%d calls, want %d", got, want)
				}
				if sink.Heap(t) > most {
					t.Errorf("%d MiB of heap", sink.Heap(t)>>20)
				}
			})
		})
	}
}

// transaction delivers one row and returns its transaction ID.
func transaction(t *testing.T, form map[string]string, r row) string {
	t.Helper()
	d := actiontest.NewDestination(t).Handle(dataManager("a1"))
	if _, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(form), result(r))); err != nil {
		t.Fatal(err)
	}
	ids := delivered(t, d)
	if len(ids) != 1 {
		t.Fatalf("transaction IDs %q", ids)
	}
	return ids[0]
}

// A row without a transaction ID gets one that stands for the click or the person, and the time.
func TestDerivedTransactionID(t *testing.T) {
	t.Parallel()
	const clock, email = "google_ads_conversion_time", "email"
	click := good(row{email: "ann@example.com", "google_ads_conversion_value": 1})
	person := row{clock: "2026-11-22 10:00:00", email: "ann@example.com", "email 2": "ann@example.org"}
	base, of := transaction(t, nil, click), transaction(t, nil, person)
	if form := regexp.MustCompile(`^hub-[0-9a-f]{40}$`); !form.MatchString(base) || !form.MatchString(of) {
		t.Errorf("transaction IDs %q and %q", base, of)
	}
	for name, tt := range map[string]struct {
		base string
		form map[string]string
		row  row
		same bool
	}{
		"the same":               {base: base, row: click, same: true},
		"another value":          {base: base, row: good(row{email: "ann@example.com", "google_ads_conversion_value": 2}), same: true},
		"another address":        {base: base, row: good(row{email: "bo@example.com"}), same: true},
		"the time with its zone": {base: base, row: good(row{clock: "2026-11-22T11:00:00+01:00"}), same: true},
		"a zone without minutes": {base: base, row: good(row{clock: "2026-11-22 11:00:00+01"}), same: true},
		"ISO 8601 without colon": {base: base, row: good(row{clock: "2026-11-22T11:00:00+0100"}), same: true},
		"a time without seconds": {base: base, row: good(row{clock: "2026-11-22T11:00+01:00"}), same: true},
		"the time in the zone": {
			base: base, form: map[string]string{"time_zone": "Europe/Berlin"}, row: good(row{clock: "2026-11-22 11:00"}), same: true,
		},
		"another time":          {base: base, row: good(row{clock: "2026-11-22 10:00:01"})},
		"another click":         {base: base, row: good(row{"google_ads_gclid": "g2"})},
		"another kind of click": {base: base, row: row{clock: "2026-11-22 10:00:00", "google_ads_wbraid": "g1"}},
		"the same person": {
			base: of, row: row{clock: "2026-11-22 10:00:00", email: "Ann@example.org", "email 2": " ann@example.com"}, same: true,
		},
		"another person": {base: of, row: row{clock: "2026-11-22 10:00:00", email: "bo@example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := transaction(t, tt.form, tt.row); (got == tt.base) != tt.same {
				t.Errorf("transaction ID %q, base %q", got, tt.base)
			}
		})
	}
}
