package facebookcustomaudiences_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/action/actiontest"
)

const (
	version  = "/v27.0/"
	token    = "long-token"
	kept     = `{"tokens":{"longLivedToken":"long-token"},"redirect":"https://hub/r"}`
	users    = version + "77/users"
	replaced = version + "77/usersreplace"
)

// body is the body of an upload.
type body struct {
	Session *session `json:"session"`
	Payload struct {
		Schema []string   `json:"schema"`
		Data   [][]string `json:"data"`
	} `json:"payload"`
}

func parse(r actiontest.Recorded) (b body, err error) {
	return b, json.Unmarshal(r.Body, &b)
}

// received returns Meta's response to an upload.
func received(n, invalid int) actiontest.Reply {
	text, err := json.Marshal(map[string]any{
		"audience_id": "77", "session_id": "1", "num_received": n, "num_invalid_entries": invalid,
		"invalid_entry_samples": map[string]string{"s3cret@example.com": "bad"},
	})
	if err != nil {
		panic(err)
	}
	return actiontest.Reply{Body: string(text)}
}

// takesAll accepts everything.
func takesAll(r actiontest.Recorded) actiontest.Reply {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+token || len(r.Query.Get("appsecret_proof")) != 64:
		return failure(190, 463)
	case strings.HasSuffix(r.Path, "/users"), strings.HasSuffix(r.Path, "/usersreplace"):
		b, err := parse(r)
		if err != nil {
			return failure(100, 0)
		}
		if s := b.Session; s != nil { // the number of the session so far
			return received(min(s.Batch*10_000, s.Total), 0)
		}
		return received(len(b.Payload.Data), 0)
	case strings.HasSuffix(r.Path, "/customaudiences"):
		return actiontest.Reply{Body: `{"id":"77"}`}
	}
	return actiontest.Reply{Body: `{"success":true}`}
}

// failure returns an error response with texts that must not be shown.
func failure(code, subcode int) actiontest.Reply {
	text, err := json.Marshal(map[string]any{"error": map[string]any{
		"message": "long-token s3cret@example.com", "type": "OAuthException", "code": code, "error_subcode": subcode, "fbtrace_id": "x",
	}})
	if err != nil {
		panic(err)
	}
	return actiontest.Reply{Status: 400, Body: string(text)}
}

// session is the session of a replacement.
type session struct {
	ID    int64 `json:"session_id"`
	Batch int   `json:"batch_seq"`
	Last  bool  `json:"last_batch_flag"`
	Total int   `json:"estimated_num_total"`
}

// meta is the Marketing API for audience 77, with the rules of
// https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences. It needs no sockets, so
// that waits take no time under testing/synctest.
type meta struct {
	// faults are what happens to the uploads, call by call, and then over again if repeat is set.
	faults []fault
	repeat bool
	// noSessions makes sessions unreadable.
	noSessions bool
	// throttled is how long calls are refused after the first one.
	throttled time.Duration
	until     time.Time
	// rejects reports whether an entry is invalid; nil accepts all.
	rejects func(id string) bool

	members map[string]bool
	// uploads are the uploads: the number in a session, with an exclamation mark if it is the last one, or
	// the method.
	uploads []string
	reads   int
	session *metaSession
	// begun counts the calls with number 1 by session: another one removes everyone again.
	begun map[int64]int
}

// restarts counts the calls that begin a session again.
func (m *meta) restarts() (n int) {
	for _, calls := range m.begun {
		n += calls - 1
	}
	return n
}

// metaSession is a session that was begun.
type metaSession struct {
	id                int64
	begun             time.Time
	ended             bool
	received, invalid int
}

// fault is what happens to an upload.
type fault string

const (
	fine    fault = ""
	limited fault = "limited"
	// The connection breaks before or after Facebook has the upload.
	before fault = "before"
	after  fault = "after"
	// Facebook has the upload, but responds never, with an error or with half a response.
	silent  fault = "silent"
	broken  fault = "broken"
	cut     fault = "cut"
	unknown fault = "unknown error"
	// busy is another replacement, and slow an hour and a half between the calls.
	busy fault = "busy"
	slow fault = "slow"
)

// RoundTrip implements [http.RoundTripper].
func (m *meta) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Authorization") != "Bearer "+token || len(req.URL.Query().Get("appsecret_proof")) != 64 {
		return graphError(190, 463), nil
	}
	edge := req.Method + " " + strings.TrimPrefix(req.URL.Path, version+"77/")
	if edge == "GET sessions" {
		return m.read(req.URL.Query()), nil
	}
	b, err := bodyOf(req)
	if err != nil {
		return nil, err
	}
	m.record(req.Method, b)
	if m.until.IsZero() {
		m.until = time.Now().Add(m.throttled)
	}
	if left := time.Until(m.until); left > 0 {
		return throttled(int(math.Ceil(left.Minutes()))), nil
	}
	switch f := m.fault(); f {
	case limited:
		return graphError(80003, 0), nil
	case before:
		return nil, errors.New("connection reset by peer")
	case after:
		m.take(edge, b)
		return nil, errors.New("connection reset by peer")
	case silent:
		m.take(edge, b)
		<-req.Context().Done()
		return nil, req.Context().Err()
	case broken:
		m.take(edge, b)
		return answer(502, "<html>"), nil
	case cut:
		m.take(edge, b)
		return answer(200, `{"num_rec`), nil
	case unknown:
		m.take(edge, b)
		return graphError(1, 99), nil
	case busy:
		return graphError(2650, 1870145), nil
	case slow:
		time.Sleep(91 * time.Minute)
	case fine:
	default:
		return answer(400, string(f)), nil
	}
	return m.take(edge, b), nil
}

// bodyOf decodes an upload: JSON, or a form to remove people.
func bodyOf(req *http.Request) (b body, err error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return b, err
	}
	if req.Header.Get("Content-Type") == "application/json" {
		return b, json.Unmarshal(text, &b)
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal([]byte(form.Get("payload")), &b.Payload)
}

// throttled refuses a call. Other kinds of calls have their own limits:
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting
func throttled(minutes int) *http.Response {
	res := graphError(80003, 0)
	res.Header.Set("X-Business-Use-Case-Usage", fmt.Sprintf(`{"11":[`+
		`{"type":"ads_insights","call_count":100,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":55},`+
		`{"type":"custom_audience","call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":%d}]}`, minutes))
	return res
}

func (m *meta) record(method string, b body) {
	call := method
	if b.Session != nil {
		call = fmt.Sprint(b.Session.Batch)
		if b.Session.Batch == 1 {
			if m.begun == nil {
				m.begun = map[int64]int{}
			}
			m.begun[b.Session.ID]++
		}
		if b.Session.Last {
			call += "!"
		}
	}
	m.uploads = append(m.uploads, call)
}

func (m *meta) fault() fault {
	n := len(m.uploads) - 1
	switch {
	case n < len(m.faults):
		return m.faults[n]
	case m.repeat:
		return m.faults[n%len(m.faults)]
	}
	return fine
}

// take does what an upload asks for.
func (m *meta) take(edge string, b body) *http.Response {
	if m.members == nil {
		m.members = map[string]bool{}
	}
	switch edge {
	case "POST users":
		return counts(len(b.Payload.Data), m.add(b))
	case "DELETE users":
		invalid := 0
		for _, p := range b.Payload.Data {
			if m.rejects != nil && m.rejects(p[0]) {
				invalid++
				continue
			}
			delete(m.members, p[0])
		}
		return counts(len(b.Payload.Data), invalid)
	case "POST usersreplace":
		return m.replace(b)
	}
	return graphError(100, 0)
}

func (m *meta) replace(b body) *http.Response {
	s := m.session
	switch {
	case b.Session.Batch == 1:
		if s != nil && s.id != b.Session.ID && !s.ended {
			return graphError(2650, 1870145)
		}
		s = &metaSession{id: b.Session.ID, begun: time.Now()}
		m.session = s
		clear(m.members)
	case s == nil || s.id != b.Session.ID:
		return graphError(2650, 1870147)
	case s.ended:
		return graphError(2650, 1870159)
	case time.Since(s.begun) > 90*time.Minute:
		return graphError(2650, 1870158)
	}
	s.received += len(b.Payload.Data)
	s.invalid += m.add(b)
	s.ended = b.Session.Last
	return counts(s.received, s.invalid)
}

// add stores people. Repeated people have no effect.
func (m *meta) add(b body) (invalid int) {
	for _, p := range b.Payload.Data {
		if m.rejects != nil && m.rejects(p[0]) {
			invalid++
			continue
		}
		m.members[p[0]] = true
	}
	return invalid
}

// read returns the numbers of the session, which are texts.
func (m *meta) read(query url.Values) *http.Response {
	m.reads++
	if s := m.session; !m.noSessions && s != nil && query.Get("session_id") == fmt.Sprint(s.id) {
		return answer(200, fmt.Sprintf(`{"data":[{"num_received":"%d","num_invalid_entries":"%d"}]}`, s.received, s.invalid))
	}
	return answer(200, `{"data":[]}`)
}

func counts(received, invalid int) *http.Response {
	return answer(200, fmt.Sprintf(`{"num_received":%d,"num_invalid_entries":%d}`, received, invalid))
}

func graphError(code, subcode int) *http.Response {
	return answer(400, fmt.Sprintf(`{"error":{"message":"long-token s3cret","code":%d,"error_subcode":%d}}`, code, subcode))
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}
