package actiontest

import (
	"context"
	"net/http"
	"net/http/httptrace"

	"integrationhub.dev/hub/outbound"
)

// Late is a client whose destination takes every request and answers none. It has no
// sockets, so that time passes at once in a bubble of testing/synctest.
func Late() *http.Client { return &http.Client{Transport: outbound.NewTransport(late{}, nil)} }

type late struct{}

func (late) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case <-req.Cancel: //nolint:staticcheck // how a client with a Timeout ends a request
		return nil, context.DeadlineExceeded
	}
}
