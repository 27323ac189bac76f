package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// badVendors plays vendors that take rows and run jobs, with the faults of each delivery. It
// counts what it stored and what it confirmed.
type badVendors struct {
	*vendorProxy

	seed  uint64
	auger *auger

	mu    sync.Mutex
	cases map[string]*vendorCase
	// over are deliveries of which the hub gave an account, and strays those of which a call came
	// after it.
	over   map[string]bool
	strays map[string]bool
}

// vendorCase is a delivery, and what vendors counted of it.
type vendorCase struct {
	soakCase
	ledger *rowLedger
	// met is how often calls with the same first row came.
	met map[string]int
}

func startBadVendors(ctx context.Context, cert *certificate, seed uint64) (*badVendors, error) {
	v := &badVendors{
		seed: seed, auger: &auger{seed: seed, jobs: map[string]*augerJob{}},
		cases: map[string]*vendorCase{}, over: map[string]bool{}, strays: map[string]bool{},
	}
	routes := http.NewServeMux()
	for _, host := range rowHosts {
		routes.HandleFunc(host+"/", v.takeRows)
	}
	for _, host := range augerHosts {
		routes.HandleFunc(host+"/", v.auger.take)
	}
	// Half of the vendors speak HTTP/2, in which hanging up ends a stream and not a connection.
	http1 := func(host string) bool {
		return strings.HasSuffix(host, "airtable.com") || strings.HasSuffix(host, "braze.com")
	}
	var err error
	v.vendorProxy, err = startVendorProxy(ctx, cert, routes, http1)
	return v, err
}

func (v *badVendors) environment() map[string]string {
	env := v.vendorProxy.environment()
	env["AIRTABLE_CLIENT_ID"], env["AIRTABLE_CLIENT_SECRET"] = "load", secret
	return env
}

// expect makes a delivery known.
func (v *badVendors) expect(c soakCase) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cases[c.id] = &vendorCase{soakCase: c, ledger: newRowLedger(), met: map[string]int{}}
}

// saw reports whether a call of a delivery has come.
func (v *badVendors) saw(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cases[id] != nil && len(v.cases[id].met) > 0
}

// settle returns what came of a delivery that is over. Calls after it are refused, and there must
// be none if the hub gave an account of all.
func (v *badVendors) settle(id string, account bool) *rowLedger {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.cases[id]
	delete(v.cases, id)
	if account {
		v.over[id] = true
	}
	return c.ledger
}

// late returns the deliveries of which calls came after the hub's account.
func (v *badVendors) late() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(maps.Keys(v.strays))
}

// takeRows takes a call with rows, as far as its fault allows.
func (v *badVendors) takeRows(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	status, answer, fault := v.store(r, body)
	respond(w, status, answer, fault)
}

// store counts the rows of a call, and returns its answer and what goes wrong with it.
func (v *badVendors) store(r *http.Request, body []byte) (status int, answer any, fault string) {
	call := vendorCall{method: r.Method, path: r.URL.Path, body: body, bearer: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")}
	call.user, _, _ = r.BasicAuth()
	var d *rowDestination
	for i := range rowDestinations {
		if rowDestinations[i].host == r.Host {
			d = &rowDestinations[i]
		}
	}
	id, rows, err := d.read(call)
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.cases[id]
	switch {
	case c == nil: // its delivery is over
		if v.over[id] {
			v.strays[id] = true
		}
		return http.StatusGone, object{}, ""
	case err != nil:
		c.ledger.damage = fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err)
		return http.StatusNotFound, object{}, ""
	}
	return c.store(v.seed, d, call, rows)
}

func (c *vendorCase) store(seed uint64, d *rowDestination, call vendorCall, rows []rowSeen) (status int, answer any, fault string) {
	key := call.method
	if len(rows) > 0 {
		key = fmt.Sprint(rows[0].id, " ", len(rows))
	}
	c.met[key]++
	refused := c.refuse(seed, rows)
	fault = callFault(seed, c.id, c.rows.fault, c.rows.always, key, c.met[key])
	if fault == faultBusy || fault == faultStatus || fault == faultReset {
		return 0, nil, fault
	}
	status, answer = d.answer(call, rows, refused)
	if fault == faultHalf && status >= http.StatusBadRequest {
		fault = "" // what refuses a call is its status, whatever becomes of the rest
	}
	c.ledger.add(d, rows, refused, fault == "")
	return status, answer, fault
}

// refuse checks rows, and returns which of them the vendor refuses.
func (c *vendorCase) refuse(seed uint64, rows []rowSeen) map[int]bool {
	refused := map[int]bool{}
	for i, r := range rows {
		if r.check != checkOf(c.id, r.id) {
			c.ledger.damage = fmt.Errorf("row %q arrived with the value %q", r.id, r.check)
		}
		if c.rows.rejects(seed, c.id, r.id) {
			refused[i] = true
		}
	}
	return refused
}

// add counts the rows of a call that was carried out, and answered or not.
func (l *rowLedger) add(d *rowDestination, rows []rowSeen, refused map[int]bool, answered bool) {
	for i, r := range rows {
		switch {
		case refused[i]:
			// A call that is refused as a whole does not say because of which row.
			if answered && (!d.whole || len(rows) == 1) {
				l.rejected[r.id] = true
			}
		case d.whole && len(refused) > 0:
		default:
			l.stored[r.id]++
			if answered {
				l.confirmed[r.id] = true
			}
		}
	}
}

// respond answers a call, as far as its fault allows.
func respond(w http.ResponseWriter, status int, answer any, fault string) {
	switch fault {
	case faultReset, faultLate:
		panic(http.ErrAbortHandler)
	case faultBusy:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "{}", http.StatusTooManyRequests)
		return
	case faultStatus:
		http.Error(w, "{}", http.StatusInternalServerError)
		return
	}
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err) // maps of plain values
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	if fault == faultHalf {
		_, _ = w.Write(text[:len(text)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(text) // the hub may be gone
}
