package actiontest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
)

// NewSocketless makes a destination without sockets, which a bubble of testing/synctest may
// hold: there, hours pass at once.
func NewSocketless() *Destination { return &Destination{} }

// socketless hands requests to a destination without a network between.
type socketless struct{ *Destination }

var errReset = errors.New("connection reset by peer")

func (s socketless) RoundTrip(req *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	var body []byte
	var broken error
	if req.Body != nil {
		body, broken = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	reply := s.record(Recorded{
		Method: req.Method, Host: req.URL.Host, Path: req.URL.EscapedPath(), Query: req.URL.Query(),
		Header: req.Header.Clone(), Body: body, Broken: broken != nil,
	})
	switch {
	case broken != nil:
		return nil, broken
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	case reply.Reset:
		return nil, errReset
	}
	res := &http.Response{
		StatusCode: max(reply.Status, http.StatusOK), ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req,
		Body: io.NopCloser(strings.NewReader(reply.Body)), ContentLength: int64(len(reply.Body)),
	}
	for k, v := range reply.Header {
		res.Header.Set(k, v)
	}
	return res, nil
}
