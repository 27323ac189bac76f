package googleanalyticsdataimport_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	ga "integrationhub.dev/integrations/googleanalyticsdataimport"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
	"integrationhub.dev/integrations/internal/rowstest"
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
		want := fmt.Sprintf("%d of %d rows delivered, %d rejected, %d failed. ", len(google.arrived)-google.lost, rows, unidentified+ignored, google.lost+google.late)
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
	name, body := `"name"`, ""
	switch {
	case req.URL.Host == "datamanager.googleapis.com":
		name, body = `"eventName"`, `{"requestId":"t-2"}`
	case req.URL.Path != "/mp/collect":
		return d.unreliable.RoundTrip(req)
	}
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.events%50_000 == 0 {
		d.heap = max(d.heap, actiontest.LiveHeap())
	}
	d.events += bytes.Count(text, []byte(name))
	return answer(200, body), nil
}

// generated is a result of n rows that are generated as they are read.
type generated struct {
	n, next int
	part    strings.Reader
}

// Read implements [io.Reader].
func (g *generated) Read(p []byte) (int, error) {
	if g.part.Len() == 0 {
		switch {
		case g.next > g.n:
			return 0, io.EOF
		case g.next == 0:
			g.part.Reset("Client,Event,Value\n")
		default:
			g.part.Reset(fmt.Sprintf("%d,buy,%d\n", g.next/25, g.next))
		}
		g.next++
	}
	return g.part.Read(p)
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) {
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			actiontest.Serial(t)
			const rows, most = 1_000_000, 32 << 20
			for api, message := range map[string]string{"measurement_protocol": done, "data_manager": managedDone} {
				synctest.Test(t, func(t *testing.T) {
					google := &discarding{}
					deps := actiontest.Deps(t, nil, withManager())
					deps.HTTP, deps.StartJob = &http.Client{Transport: google}, new(followed).start
					req := way.Body(t, request(map[string]string{"google_api": api}), "text/csv", &generated{n: rows})
					res, err := actiontest.New(t, ga.New, deps).Execute(t.Context(), req)
					if err != nil {
						t.Fatal(err)
					}
					if got, want := res.Message, fmt.Sprintf("%d%s", rows, message); got != want {
						t.Errorf("%s: message %q, want %q", api, got, want)
					}
					if got, want := google.events, rows; got != want {
						t.Errorf("%s: %d events arrived, want %d", api, got, want)
					}
					if google.heap > most {
						t.Errorf("%s: %d MiB of heap", api, google.heap>>20)
					}
				})
			}
		})
	}
}

// lossy is Google with a fake of the Data Manager API that injects faults.
type lossy struct {
	http.RoundTripper
	manager *rowstest.Destination
}

// RoundTrip implements [http.RoundTripper].
func (l lossy) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == "datamanager.googleapis.com" {
		return l.manager.RoundTrip(req)
	}
	return l.RoundTripper.RoundTrip(req)
}

// managedRows parses a call as the Data Manager API does, which deduplicates nothing.
func managedRows(_ *http.Request, body []byte) ([]rowstest.Row, error) {
	var request ingestRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	all := make([]rowstest.Row, len(request.Events))
	for i, e := range request.Events {
		all[i] = rowstest.Row{ID: fmt.Sprint("Cj", e.Value)}
		if reason := e.check(); reason != "" && e.Name != "gone_event" {
			return nil, fmt.Errorf("event %d: %s", i, reason)
		}
	}
	return all, nil
}

func managedAnswer(_ []rowstest.Row, rejected []int) rowstest.Answer {
	if len(rejected) == 0 {
		return rowstest.Answer{Status: http.StatusOK, Body: `{"requestId":"t-3"}`}
	}
	var all []violation
	for _, n := range rejected {
		all = append(all, violation{fmt.Sprintf("events.events[%d].event_name", n), "s3cret", "INVALID_EVENT_NAME"})
	}
	return rowstest.Answer{Status: http.StatusBadRequest, Body: badRequest(all)}
}

// A bad day of the Data Manager API: it rejects calls because of single events, limits rates, and loses
// responses before and after it accepted events. No event is sent twice.
func TestManagerInjectedFaults(t *testing.T) {
	t.Parallel()
	const total = 100_000
	result := bytes.NewBufferString("Client,Event,Value\n")
	for i := range total {
		event := "buy"
		switch i % 1000 {
		case 1: // rejected by the hub
			event = ignoredEvents[i/1000%len(ignoredEvents)]
		case 777: // rejected by Google
			event = "gone_event"
		}
		fmt.Fprintf(result, "%d,%s,%d\n", i/4, event, i)
	}
	synctest.Test(t, func(t *testing.T) {
		refuses := func(id string) bool { return strings.HasSuffix(id, "777") }
		d := &rowstest.Destination{Rows: managedRows, Refuses: refuses, Whole: true, Answer: managedAnswer}
		deps := actiontest.Deps(t, nil, withManager())
		deps.HTTP, deps.StartJob = &http.Client{Transport: lossy{&unreliable{}, d}}, new(followed).start
		i := actiontest.New(t, ga.New, deps)
		ga.Fast(i)
		_, err := i.Execute(t.Context(), csv(t, request(map[string]string{"google_api": "data_manager"}), result.String()))
		got := d.Check(t, total, err)
		// The hub rejects 100 rows. Of 50 calls, 30 of 2,000 events fail for good, because their outcome is unknown.
		// Google rejects two events of each other call.
		const failed = 100 + 30*2_000 + 20*2
		if want := (rowstest.Account{Delivered: total - failed, Failed: failed}); got != want {
			t.Errorf("account %+v, want %+v, calls %v", got, want, d.Calls())
		}
		for _, fault := range []string{"limited", "unavailable", "unreachable", "cut before", "cut after", "silent"} {
			if d.Calls()[fault] == 0 {
				t.Errorf("no call was %s: %v", fault, d.Calls())
			}
		}
	})
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
	want := "34 of 68 rows delivered, 34 rejected. "
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

// Properties of Google Analytics 360 can have longer values.
func TestValuesOf360(t *testing.T) {
	t.Parallel()
	const schema = "client_id,event_name,note"
	row := func(n int) string { return "1,buy," + strings.Repeat("ü", n) + "\n" }
	level := map[string]actiontest.Reply{"/v1beta/properties/20": {Body: `{"serviceLevel":"GOOGLE_ANALYTICS_360"}`}}
	d := actiontest.NewDestination(t).Handle(analytics("a1", level))
	req := request(map[string]string{"dataSourceSchema": schema})
	_, err := newIntegration(t, d).Execute(t.Context(), csv(t, req, "a,b,c\n"+row(500)+row(501)))
	want := "1 of 2 rows delivered, 1 rejected. A row's note exceeds Google Analytics' limit of 500 characters."
	if got := action.MessageOf(err); got != want {
		t.Errorf("message %q, want %q", got, want)
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

// The rows that are not delivered are kept with the query's own titles.
func TestRejectedRowsAreKept(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]string{
		"measurement_protocol": "Client,Event,Value,Reason\n,buy,2,A row has no client_id.\n3,session_start,\"a,b\",\"A row's event_name " +
			"\"\"session_start\"\" is reserved by Google Analytics, which ignores events with this name.\"\n",
		"data_manager": "Client,Event,Value,Reason\n,buy,2,A row has no client_id.\n3,session_start,\"a,b\",\"A row's event_name " +
			"\"\"session_start\"\" is reserved by Google Analytics, which ignores events with this name.\"\n" +
			"4,buy,much,A row's value is not a number.\n",
	} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			bucket := new(rowbuckettest.S3)
			env := withManager()
			maps.Copy(env, rowbuckettest.Env())
			deps := actiontest.Deps(t, actiontest.NewDestination(t).Handle(bucket.Beside(analytics("a1", nil))), env)
			deps.StartJob = new(followed).start
			i := actiontest.New(t, ga.New, deps)
			ga.Fast(i)
			_, err := i.Execute(t.Context(), csv(t, request(map[string]string{"google_api": api}),
				"Client,Event,Value\n1,buy,1\n,buy,2\n3,session_start,\"a,b\"\n4,buy,much\n5,buy,5\n"))
			if got := action.MessageOf(err); !strings.Contains(got, "The rows that were not delivered are stored in s3://rows/hub/rejected/google_analytics_data_import/") {
				t.Errorf("message %q", got)
			}
			var got string
			for _, name := range bucket.Objects() {
				got += rowbuckettest.Unzip(t, bucket.Body(name))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
		})
	}
}
