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
)

// Destination takes rows. It is an [http.RoundTripper]: see [Destination.Deps].
type Destination struct {
	// Rows takes a call apart.
	Rows func(req *http.Request, body []byte) ([]Row, error)
	// Refuses says which rows it will not have, by their ID; nil takes all.
	Refuses func(id string) bool
	// Whole makes it refuse a call with a refused row altogether.
	Whole bool
	// Answer is what it says to rows of which it refuses those in the places refused.
	Answer func(rows []Row, refused []int) Answer
	// Limited is its answer to one who calls too often; without a status it is 429 with a
	// Retry-After of two seconds.
	Limited Answer
	// Calm spares callers all misfortunes but the refused rows.
	Calm bool

	mu       sync.Mutex
	rows     map[string]*fate
	attempts map[string]int
	calls    map[string]int
	faults   []error
}

// Answer is an HTTP answer.
type Answer struct {
	Status int
	Header map[string]string
	Body   string
}

// fate is what became of a row.
type fate struct {
	effects   int
	key       string
	confirmed bool
}

// Deps are what the hub would give an integration, with every call led to d.
func (d *Destination) Deps(env map[string]string) action.Deps {
	return action.Deps{Env: env, Log: slog.New(slog.DiscardHandler), HTTP: &http.Client{Transport: d}}
}

// Calls counts the calls by what the destination did to them.
func (d *Destination) Calls() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.calls)
}

// misfortune is what befalls a call.
type misfortune struct {
	name string
	// taken: the rows have their effect, whatever the caller hears of it.
	taken bool
	// after is how long the caller waits.
	after time.Duration
	// answer replaces the destination's own; err replaces any.
	answer Answer
	err    error
	// unsent: nothing of the request left the caller.
	unsent bool
}

// Late answers come after half a minute's patience, or after nobody's.
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

// course is what befalls a batch, call by call; past its end all is well.
func (d *Destination) course(n uint32) []misfortune {
	var (
		limited  = misfortune{name: "limited", answer: d.limited()}
		broken   = misfortune{name: "out of order", answer: Answer{Status: http.StatusServiceUnavailable}}
		unsent   = misfortune{name: "unreachable", err: errRefused, unsent: true}
		cut      = misfortune{name: "cut before", err: errCut}
		cutAfter = misfortune{name: "cut after", taken: true, err: errCut}
		late     = misfortune{name: "late", taken: true, after: slow}
		silent   = misfortune{name: "silent", taken: true, after: never}
	)
	courses := [...][]misfortune{
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
	return courses[n%uint32(len(courses))]
}

// RoundTrip implements [http.RoundTripper].
func (d *Destination) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	rows, err := d.Rows(req, body)
	if err == nil && len(rows) == 0 {
		err = errors.New("no rows")
	}
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.faults = append(d.faults, err)
		return Answer{Status: http.StatusBadRequest}.response(req), nil
	}
	m := d.befall(rows)
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

// befall decides what becomes of a call. The course is that of the batch's first row, so
// that the outcome depends neither on who comes first nor on how often.
func (d *Destination) befall(rows []Row) misfortune {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rows == nil {
		d.rows, d.attempts, d.calls = map[string]*fate{}, map[string]int{}, map[string]int{}
	}
	m := misfortune{name: "fine", taken: true}
	if first := rows[0].ID; !d.Calm {
		h := fnv.New32a()
		_, _ = h.Write([]byte(first))
		if course := d.course(h.Sum32()); d.attempts[first] < len(course) {
			m = course[d.attempts[first]]
		}
		d.attempts[first]++
	}
	d.calls[m.name]++
	return m
}

// take lets the rows have their effect and returns what the destination says to them.
func (d *Destination) take(rows []Row) (Answer, []Row) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var (
		taken   []Row
		refused []int
	)
	for i, row := range rows {
		if d.Refuses != nil && d.Refuses(row.ID) {
			refused = append(refused, i)
		} else {
			taken = append(taken, row)
		}
	}
	if d.Whole && len(refused) > 0 {
		taken = nil
	}
	for _, row := range taken {
		f := d.rows[row.ID]
		if f == nil {
			f = &fate{}
			d.rows[row.ID] = f
		}
		if row.Key != "" && f.key == row.Key {
			continue // known from before
		}
		f.key = row.Key
		f.effects++
	}
	return d.Answer(rows, refused), taken
}

// confirm notes that the caller was told that the rows were taken.
func (d *Destination) confirm(rows []Row) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, row := range rows {
		d.rows[row.ID].confirmed = true
	}
}

// wrote tells whoever traces the call that it was sent, as a socket does.
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
