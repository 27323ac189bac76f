package looker

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Request is a request that the simulator received, without secrets.
type Request struct {
	// Number counts requests and calls together, so that their order is known.
	Number int       `json:"number"`
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Query  string    `json:"query,omitempty"`
	// User is the user whose access token it had.
	User string `json:"user,omitempty"`
	Body string `json:"body,omitempty"`
	// Status is 0 while the request is handled, and when the simulator hung up.
	Status   int    `json:"status"`
	Response string `json:"response,omitempty"`
	// Fault is whether a fault was injected, HungUp whether it closed the connection.
	Fault  bool `json:"fault,omitempty"`
	HungUp bool `json:"hung_up,omitempty"`
}

// Call is a request of the simulator to a hub, without secrets and data.
type Call struct {
	Number int       `json:"number"`
	Time   time.Time `json:"time"`
	// Kind is why the hub was called.
	Kind CallKind `json:"kind"`
	Hub  string   `json:"hub"`
	// Integration is empty when the hub itself was called.
	Integration string `json:"integration,omitempty"`
	User        string `json:"user,omitempty"`
	Method      string `json:"method"`
	URL         string `json:"url"`
	WebhookID   string `json:"webhook_id"`
	// Header are the request's headers, ResponseHeader the response's.
	Header         http.Header `json:"header,omitempty"`
	ResponseHeader http.Header `json:"response_header,omitempty"`
	// Duration is the time until the whole response was there.
	Duration Duration `json:"duration,omitempty"`
	// Body is the envelope without an attachment's data.
	Body string `json:"body,omitempty"`
	// DataBytes and DataSHA256 describe the data that was sent with it.
	DataBytes  int    `json:"data_bytes,omitempty"`
	DataSHA256 string `json:"data_sha256,omitempty"`
	// Status is 0 when there was no response; Error says why.
	Status   int    `json:"status"`
	Response string `json:"response,omitempty"`
	Error    string `json:"error,omitempty"`
}

// CallKind is the purpose of a call to a hub.
type CallKind string

// The calls to a hub.
const (
	CallList    CallKind = "list"
	CallHealth  CallKind = "health"
	CallForm    CallKind = "form"
	CallTest    CallKind = "test"
	CallExecute CallKind = "execute"
	CallToken   CallKind = "oauth_token" //nolint:gosec // the name of a route
)

// maxEntries limits the journal by default; the oldest entries are removed.
const maxEntries = 10_000

// maxRecorded limits what is recorded of a body, maxHeaders how many headers are, and maxHeaderValue what
// is recorded of one.
const (
	maxRecorded    = 64 << 10
	maxHeaders     = 50
	maxHeaderValue = 1 << 10
)

// journal records requests and calls.
type journal struct {
	secrets *secrets
	now     func() time.Time
	limit   int // of requests, and of calls

	mu       sync.Mutex
	last     int
	requests []*Request
	calls    []*Call
}

func newJournal(s *secrets, now func() time.Time, limit int) *journal {
	return &journal{secrets: s, now: now, limit: limit}
}

// request begins to record a request.
func (j *journal) request(r *http.Request, body []byte) *Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	text := j.secrets.redactJSON(body)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		text = hideForm(string(body))
	}
	entry := &Request{
		Number: j.last, Time: j.now(), Method: r.Method, Path: hideTicket(r.URL.Path), Query: hideForm(r.URL.RawQuery), Body: cut(text),
	}
	j.requests = latest(append(j.requests, entry), j.limit)
	return entry
}

func (j *journal) responded(entry *Request, status int, text []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.Status, entry.Response = status, cut(j.secrets.redactJSON(text))
}

func (j *journal) hungUp(entry *Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.HungUp = true
}

func (j *journal) faulty(entry *Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.Fault = true
}

func (j *journal) authenticated(entry *Request, user string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.User = user
}

// call begins to record a call.
func (j *journal) call(c Call) *Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	c.Number, c.Time, c.URL, c.Body = j.last, j.now(), j.secrets.redact(c.URL), cut(j.secrets.redactJSON([]byte(c.Body)))
	j.calls = latest(append(j.calls, &c), j.limit)
	return &c
}

// sending records the headers of a call.
func (j *journal) sending(entry *Call, header http.Header) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.Header = j.hideHeader(header)
}

// answered records the headers of a response.
func (j *journal) answered(entry *Call, header http.Header) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.ResponseHeader = j.hideHeader(header)
}

// hideHeader leaves secrets out of headers, and bounds them.
func (j *journal) hideHeader(header http.Header) http.Header {
	hidden := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(header))[:min(len(header), maxHeaders)] {
		values := header[name]
		for _, value := range values[:min(len(values), maxHeaders)] {
			switch name {
			case "Authorization":
				value = `Token token="` + redacted + `"`
			case "Set-Cookie":
				value = redacted
			}
			hidden.Add(name, cutAt(j.secrets.redact(value), maxHeaderValue))
		}
	}
	return hidden
}

func (j *journal) called(entry *Call, status int, text []byte, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.Duration = Duration(j.now().Sub(entry.Time))
	entry.Status, entry.Response = status, cut(j.secrets.redactJSON(text))
	if err != nil {
		entry.Error = j.secrets.redact(err.Error())
	}
}

// hideTicket leaves the secret part out of a one-time address.
func hideTicket(path string) string {
	for _, prefix := range []string{statePath, redirectPath, delegatePath, downloadPath} {
		if strings.HasPrefix(path, prefix) {
			return prefix + redacted
		}
	}
	return path
}

func latest[T any](entries []T, limit int) []T {
	if len(entries) > limit {
		return slices.Delete(entries, 0, len(entries)-limit)
	}
	return entries
}

func cut(text string) string { return cutAt(text, maxRecorded) }

func cutAt(text string, size int) string {
	if len(text) > size {
		return strings.ToValidUTF8(text[:size], "") + "…"
	}
	return text
}

// hideForm leaves secrets out of a form or a query.
func hideForm(text string) string {
	values, err := url.ParseQuery(text)
	if err != nil {
		return redacted
	}
	for name := range values {
		if slices.Contains(secretMembers, name) {
			values[name] = []string{redacted}
		}
	}
	return values.Encode()
}

// Requests returns the requests after a number, the oldest first.
func (l *Looker) Requests(after int) []Request {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	list := []Request{}
	for _, r := range l.journal.requests {
		if r.Number > after {
			list = append(list, *r)
		}
	}
	return list
}

// Calls returns the calls to hubs after a number, the oldest first.
func (l *Looker) Calls(after int) []Call {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	list := []Call{}
	for _, c := range l.journal.calls {
		if c.Number > after {
			list = append(list, *c)
		}
	}
	return list
}
