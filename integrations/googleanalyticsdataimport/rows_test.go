package googleanalyticsdataimport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	ga "integrationhub.dev/integrations/googleanalyticsdataimport"
)

// unreliable rate limits some calls, loses responses, and never answers some calls. It stores an event each
// time it is sent. It needs no sockets, so waits take no time under testing/synctest.
type unreliable struct {
	mu       sync.Mutex
	rejected map[string]bool // clients that were rejected once
	arrived  map[float64]int // values, with how often
	lost     int             // events whose responses were lost
	late     int             // events without a response
	heap     uint64
}

func (u *unreliable) RoundTrip(req *http.Request) (*http.Response, error) {
	var text []byte
	if req.Body != nil {
		var err error
		if text, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	if req.URL.Host == "analyticsadmin.googleapis.com" || req.URL.Path != "/mp/collect" {
		r := analytics("a1", nil)(actiontest.Recorded{Host: req.URL.Host, Path: req.URL.Path, Query: req.URL.Query(), Header: req.Header, Body: text})
		return answer(r.Status, r.Body), nil
	}
	s, err := parse(text)
	if err != nil {
		return nil, err
	}
	client, err := strconv.Atoi(s.Client)
	if err != nil {
		return nil, err
	}
	if client%1000 == 7 { // late
		u.mu.Lock()
		u.late += len(s.Events)
		u.mu.Unlock()
		wroteHeaders(req)
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if client%100 == 3 && !u.rejected[s.Client] {
		u.rejected[s.Client] = true
		return answer(429, ""), nil
	}
	for _, e := range s.Events {
		if slices.Contains(ignoredEvents, e.Name) {
			continue
		}
		value, _ := e.Params["value"].(float64)
		u.arrived[value]++
	}
	wroteHeaders(req)
	if client%1000 == 5 {
		u.lost += len(s.Events)
		return nil, errors.New("connection reset by peer")
	}
	return answer(204, ""), nil
}

// wroteHeaders notifies the trace that the request was written, as a transport does.
func wroteHeaders(req *http.Request) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
}

func answer(status int, body string) *http.Response {
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// The message reports exactly what was confirmed, and no event arrives twice.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	const rows, perClient = 100_000, 4
	result := bytes.NewBufferString("Client,Event,Value\n")
	for i := range rows {
		if i%4000 == 1 { // no person
			fmt.Fprintf(result, ",buy,%d\n", i)
			continue
		}
		event := "buy"
		if i%4000 == 2 { // an event that Google ignores
			event = ignoredEvents[i/4000%len(ignoredEvents)]
		}
		fmt.Fprintf(result, "%d,%s,%d\n", i/perClient, event, i)
	}
	synctest.Test(t, func(t *testing.T) {
		google := &unreliable{rejected: map[string]bool{}, arrived: map[float64]int{}}
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = &http.Client{Transport: google}
		_, err := actiontest.New(t, ga.New, deps).Execute(t.Context(), csv(t, request(nil), result.String()))
		const unidentified, ignored = rows / 4000, rows / 4000
		failed := unidentified + ignored + google.lost + google.late
		want := fmt.Sprintf("%d of %d rows delivered, %d failed. ", len(google.arrived)-google.lost, rows, failed)
		if m := action.MessageOf(err); !strings.HasPrefix(m, want) {
			t.Errorf("message %q\nwant    %q…", m, want)
		}
		if got, want := len(google.arrived), rows-unidentified-ignored-google.late; got != want {
			t.Errorf("%d events arrived, want %d", got, want)
		}
		if got, want := google.lost, 100; got != want {
			t.Errorf("%d responses lost, want %d", got, want)
		}
		if got, want := google.late, 100; got != want {
			t.Errorf("%d responses late, want %d", got, want)
		}
		if got, want := len(google.rejected), 250; got != want {
			t.Errorf("%d events rejected, want %d", got, want)
		}
		for value, n := range google.arrived {
			if n != 1 {
				t.Fatalf("event %v came %d times", value, n)
			}
		}
	})
}

// discarding stores nothing, and measures the heap.
type discarding struct {
	unreliable
	events int
}

func (d *discarding) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path != "/mp/collect" {
		return d.unreliable.RoundTrip(req)
	}
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.events%1000 == 0 {
		d.heap = max(d.heap, actiontest.LiveHeap())
	}
	d.events += bytes.Count(text, []byte(`"name"`))
	return answer(204, ""), nil
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) {
	const rows, most = 200_000, 96 << 20
	req := actiontest.Download(t, request(nil), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "Client,Event,Value\n")
		for i := range rows {
			_, _ = fmt.Fprintf(w, "%d,buy,%d\n", i/25, i)
		}
	})
	google := &discarding{}
	deps := actiontest.Deps(t, nil, env)
	deps.HTTP = &http.Client{Transport: google}
	res, err := actiontest.New(t, ga.New, deps).Execute(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, fmt.Sprintf("%d%s", rows, done); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got, want := google.events, rows; got != want {
		t.Errorf("%d events arrived, want %d", got, want)
	}
	if google.heap > most {
		t.Errorf("%d MiB of heap", google.heap>>20)
	}
}

// Every name of Google's lists is rejected in a column, and the rows beside them are sent.
func TestReservedEvents(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
	var result strings.Builder
	result.WriteString("a,b,c\n")
	for i, name := range ignoredEvents {
		fmt.Fprintf(&result, "1,%s,%d\n1,buy,%d\n", name, i, i)
	}
	_, err := newIntegration(t, d).Execute(t.Context(), csv(t, request(nil), result.String()))
	want := "34 of 68 rows delivered, 34 failed. "
	if m := action.MessageOf(err); !strings.HasPrefix(m, want) {
		t.Errorf("message %q, want prefix %q", m, want)
	}
	var names []string
	for _, s := range collected(t, d) {
		for _, e := range s.Events {
			names = append(names, e.Name)
		}
	}
	if got, want := strings.Join(names, ","), strings.Repeat("buy,", 33)+"buy"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
}

// Google ignores calls of 130 kB and more. Values within their limits can make one of 25 events.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
	const rows = 60
	schema, row := "client_id", "1"
	for i := range 25 {
		schema += fmt.Sprintf(",parameter_%d", i)
		row += "," + strings.Repeat("😀", 100)
	}
	req := request(map[string]string{"dataSourceSchema": schema, "eventName": "buy"})
	res, err := newIntegration(t, d).Execute(t.Context(), csv(t, req, strings.Repeat("h,", 25)+"h\n"+strings.Repeat(row+"\n", rows)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, fmt.Sprint(rows)+done; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	events := 0
	for _, s := range collected(t, d) {
		events += len(s.Events)
	}
	if events != rows {
		t.Errorf("%d events, want %d", events, rows)
	}
	for _, r := range d.Requests() {
		if len(r.Body) >= 130_000 {
			t.Errorf("a call of %d bytes to %s", len(r.Body), r.Path)
		}
	}
}
