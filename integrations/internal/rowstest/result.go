package rowstest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// Query gives a request a result to download: head, which is a JSON object without its closing brace,
// and n rows. The rows are generated as they are read, so that their number needs no memory.
func Query(t testing.TB, req *action.Request, head string, n int, row func(i int) string) *action.Request {
	t.Helper()
	download := &payload.Downloader{
		Client: &http.Client{Transport: looker{head: head, n: n, row: row}}, Timeout: time.Minute,
	}
	e := payload.NewEnvelope((&payload.Spool{Dir: t.TempDir()}).Share(t.Context()))
	e.Plan.DownloadURL = "https://looker.example.com/downloads/x"
	req.Data = e.Data(download)
	return req
}

// looker serves a download URL.
type looker struct {
	head string
	n    int
	row  func(i int) string
}

// RoundTrip implements [http.RoundTripper].
func (l looker) RoundTrip(req *http.Request) (*http.Response, error) {
	begin := strings.NewReader(l.head + `,"data":[`)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(&rows{looker: l, part: begin}),
	}, nil
}

// rows generates the result.
type rows struct {
	looker
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
			r.part.Reset("]}")
		case r.next > 0:
			r.part.Reset("," + r.row(r.next))
		default:
			r.part.Reset(r.row(r.next))
		}
		r.next++
	}
	return r.part.Read(p)
}
