package rowstest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// Way is how Looker sends a result.
type Way struct {
	Name string
	give func(t testing.TB, req *action.Request, mimetype string, body io.Reader)
}

// Ways are those in which Looker sends a result: it sends a URL, or the result within the request. The hub stores the
// latter before an integration reads it.
var Ways = []Way{byURL, {"attached", attach}}

var byURL = Way{"by URL", download}

// Query gives a request a result to download: head, which is a JSON object without its closing brace,
// and n rows, or only the rows, as json_label has them, if head is empty. The rows are generated as they
// are read, so that their number needs no memory.
func Query(t testing.TB, req *action.Request, head string, n int, row func(i int) string) *action.Request {
	t.Helper()
	return byURL.Query(t, req, head, n, row)
}

// Download gives a request a result that body has. It is read once.
func Download(t testing.TB, req *action.Request, body io.Reader) *action.Request {
	t.Helper()
	return byURL.Body(t, req, "", body)
}

// Query is [Query] for a way.
func (w Way) Query(t testing.TB, req *action.Request, head string, n int, row func(i int) string) *action.Request {
	t.Helper()
	begin, end := head+`,"data":[`, "]}"
	if head == "" {
		begin, end = "[", "]"
	}
	return w.Body(t, req, "application/json", &rows{n: n, row: row, part: strings.NewReader(begin), end: end})
}

// Body is [Download] for a way.
func (w Way) Body(t testing.TB, req *action.Request, mimetype string, body io.Reader) *action.Request {
	t.Helper()
	w.give(t, req, mimetype, body)
	return req
}

func download(t testing.TB, req *action.Request, _ string, body io.Reader) {
	t.Helper()
	e := payload.NewEnvelope((&payload.Spool{Dir: t.TempDir()}).Share(t.Context()))
	e.Plan.DownloadURL = "https://looker.example.com/downloads/x"
	req.Data = e.Data(&payload.Downloader{Client: &http.Client{Transport: looker{body}}, Timeout: time.Minute})
}

func attach(t testing.TB, req *action.Request, mimetype string, body io.Reader) {
	t.Helper()
	before := strings.NewReader(fmt.Sprintf(`{"attachment":{"mimetype":%q,"data":"`, mimetype))
	envelope := io.MultiReader(before, &quoted{from: body}, strings.NewReader(`"}}`))
	e, err := payload.Decode(envelope, (&payload.Spool{Dir: t.TempDir()}).Share(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	req.Data = e.Data(nil)
}

// looker serves a download URL.
type looker struct{ body io.Reader }

// RoundTrip implements [http.RoundTripper].
func (l looker) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(l.body),
	}, nil
}

// rows generates the result. part is its beginning.
type rows struct {
	n    int
	row  func(i int) string
	end  string
	next int
	part *strings.Reader
}

// Read implements [io.Reader].
func (r *rows) Read(p []byte) (int, error) {
	for r.part.Len() == 0 {
		switch {
		case r.next > r.n:
			return 0, io.EOF
		case r.next == r.n:
			r.part.Reset(r.end)
		case r.next > 0:
			r.part.Reset("," + r.row(r.next))
		default:
			r.part.Reset(r.row(r.next))
		}
		r.next++
	}
	return r.part.Read(p)
}

// quoted is text within a JSON string.
type quoted struct {
	from  io.Reader
	chunk [4 << 10]byte
	part  bytes.Buffer
}

// Read implements [io.Reader].
func (q *quoted) Read(p []byte) (int, error) {
	for q.part.Len() == 0 {
		n, err := q.from.Read(q.chunk[:])
		if n == 0 && err != nil {
			return 0, err
		}
		for _, c := range q.chunk[:n] {
			switch {
			case c == '"' || c == '\\':
				q.part.WriteByte('\\')
				q.part.WriteByte(c)
			case c < ' ':
				fmt.Fprintf(&q.part, `\u%04x`, c)
			default:
				q.part.WriteByte(c)
			}
		}
	}
	return q.part.Read(p)
}
