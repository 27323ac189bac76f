package rowstest

import (
	"errors"
	"hash/fnv"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest/vendorapi"
)

// Destination accepts rows. It is an [http.RoundTripper]: see [Destination.Deps].
type Destination struct {
	// Rows parses a request.
	Rows func(req *http.Request, body []byte) ([]Row, error)
	// Refuses reports whether a row is rejected, by its ID; nil accepts all.
	Refuses func(id string) bool
	// Whole rejects a whole request because of one row.
	Whole bool
	// Answer returns the response for rows, of which those at the given indices are rejected.
	Answer func(rows []Row, rejected []int) Answer
	// Limited is the response of the rate limit. The default is 429 with a Retry-After of two
	// seconds.
	Limited Answer
	// NoFaults turns off all faults but rejected rows.
	NoFaults bool

	mu       sync.Mutex
	rows     map[string]*rowState
	attempts map[string]int
	calls    map[string]int
	badCalls []error
	requests []vendorapi.Request
}

// maxChecked is the number of requests that are checked against the vendor's description. Later ones
// are of the same form, and large tests make thousands.
const maxChecked = 20

// Answer is an HTTP answer.
type Answer struct {
	Status int
	Header map[string]string
	Body   string
}

// rowState is what the destination has of a row.
type rowState struct {
	effects   int
	key       string
	confirmed bool
}

// Deps returns dependencies whose HTTP client sends all requests to d.
func (d *Destination) Deps(env map[string]string) action.Deps {
	return action.Deps{Env: env, Log: slog.New(slog.DiscardHandler), HTTP: &http.Client{Transport: d}}
}

// Calls counts the calls by fault.
func (d *Destination) Calls() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.calls)
}

// fault is what happens to a call.
type fault struct {
	name string
	// taken means that the rows have their effect, whatever the response is.
	taken bool
	// after is the delay of the response.
	after time.Duration
	// answer replaces the destination's response, and err any response.
	answer Answer
	err    error
	// unsent means that the request was not written.
	unsent bool
}

// Delays within and beyond the timeout of a call.
const (
	slow  = 5 * time.Second
	never = 24 * time.Hour
)

var (
	errCut     = errors.New("connection reset by peer")
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
)

func (d *Destination) limited() Answer {
	if d.Limited.Status != 0 {
		return d.Limited
	}
	return Answer{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "2"}}
}

// scenario returns the faults of a batch, call by call. Later calls have none.
func (d *Destination) scenario(n uint32) []fault {
	var (
		limited  = fault{name: "limited", answer: d.limited()}
		broken   = fault{name: "unavailable", answer: Answer{Status: http.StatusServiceUnavailable}}
		unsent   = fault{name: "unreachable", err: errRefused, unsent: true}
		cut      = fault{name: "cut before", err: errCut}
		cutAfter = fault{name: "cut after", taken: true, err: errCut}
		late     = fault{name: "late", taken: true, after: slow}
		silent   = fault{name: "silent", taken: true, after: never}
	)
	scenarios := [...][]fault{
		{},
		{limited},
		{},
		{broken},
		{late},
		{unsent},
		{},
		{cut},
		{cutAfter},
		{limited, limited, broken},
		{},
		{silent},
		{},
		{unsent, cutAfter},
		{},
		{},
	}
	return scenarios[n%uint32(len(scenarios))]
}

// RoundTrip implements [http.RoundTripper].
func (d *Destination) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	d.record(req, body)
	rows, err := d.Rows(req, body)
	if err == nil && len(rows) == 0 {
		err = errors.New("no rows")
	}
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.badCalls = append(d.badCalls, err)
		return Answer{Status: http.StatusBadRequest}.response(req), nil
	}
	m := d.inject(rows)
	if !m.unsent {
		wrote(req)
	}
	var taken []Row
	if m.taken {
		m.answer, taken = d.take(rows)
	}
	if m.after > 0 {
		select {
		case <-time.After(m.after):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if m.err != nil {
		return nil, m.err
	}
	d.confirm(taken)
	return m.answer.response(req), nil
}

// record keeps the first requests for [Destination.Check].
func (d *Destination) record(req *http.Request, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.requests) < maxChecked {
		d.requests = append(d.requests, vendorapi.Request{
			Method: req.Method, Host: req.URL.Host, Path: req.URL.EscapedPath(), Query: req.URL.Query(),
			Header: req.Header.Clone(), Body: body,
		})
	}
}

// inject chooses the fault of a call. The first row of the batch decides on the scenario, so that the
// result does not depend on the order of calls.
func (d *Destination) inject(rows []Row) fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rows == nil {
		d.rows, d.attempts, d.calls = map[string]*rowState{}, map[string]int{}, map[string]int{}
	}
	m := fault{name: "fine", taken: true}
	if first := rows[0].ID; !d.NoFaults {
		h := fnv.New32a()
		_, _ = h.Write([]byte(first))
		if faults := d.scenario(h.Sum32()); d.attempts[first] < len(faults) {
			m = faults[d.attempts[first]]
		}
		d.attempts[first]++
	}
	d.calls[m.name]++
	return m
}

// take stores the rows and returns the response, and the accepted rows.
func (d *Destination) take(rows []Row) (Answer, []Row) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var (
		taken    []Row
		rejected []int
	)
	for i, row := range rows {
		if d.Refuses != nil && d.Refuses(row.ID) {
			rejected = append(rejected, i)
		} else {
			taken = append(taken, row)
		}
	}
	if d.Whole && len(rejected) > 0 {
		taken = nil
	}
	for _, row := range taken {
		f := d.rows[row.ID]
		if f == nil {
			f = &rowState{}
			d.rows[row.ID] = f
		}
		if row.Key != "" && f.key == row.Key {
			continue // deduplicated
		}
		f.key = row.Key
		f.effects++
	}
	return d.Answer(rows, rejected), taken
}

// confirm records that a response confirmed the rows.
func (d *Destination) confirm(rows []Row) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, row := range rows {
		d.rows[row.ID].confirmed = true
	}
}

// wrote notifies the trace of the request, as the HTTP transport does.
func wrote(req *http.Request) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
}

func (a Answer) response(req *http.Request) *http.Response {
	header := http.Header{}
	for name, value := range a.Header {
		header.Set(name, value)
	}
	return &http.Response{
		StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: header, ContentLength: int64(len(a.Body)), Body: io.NopCloser(strings.NewReader(a.Body)),
	}
}
