package looker

import (
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

// maxEntries limits the journal; the oldest entries are removed.
const maxEntries = 10_000

// maxRecorded limits what is recorded of a body.
const maxRecorded = 64 << 10

// journal records requests and calls.
type journal struct {
	secrets *secrets
	now     func() time.Time

	mu       sync.Mutex
	last     int
	requests []*Request
	calls    []*Call
}

func newJournal(s *secrets, now func() time.Time) *journal { return &journal{secrets: s, now: now} }

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
	j.requests = latest(append(j.requests, entry))
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
	j.calls = latest(append(j.calls, &c))
	return &c
}

func (j *journal) called(entry *Call, status int, text []byte, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.Status, entry.Response = status, cut(j.secrets.redactJSON(text))
	if err != nil {
		entry.Error = j.secrets.redact(err.Error())
	}
}

// hideTicket leaves the secret part out of a one-time address.
func hideTicket(path string) string {
	for _, prefix := range []string{statePath, redirectPath, downloadPath} {
		if strings.HasPrefix(path, prefix) {
			return prefix + redacted
		}
	}
	return path
}

func latest[T any](entries []T) []T {
	if len(entries) > maxEntries {
		return slices.Delete(entries, 0, len(entries)-maxEntries)
	}
	return entries
}

func cut(text string) string {
	if len(text) > maxRecorded {
		return text[:maxRecorded] + "…"
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
