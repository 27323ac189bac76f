package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"

	"go.opentelemetry.io/otel/propagation"

	"integrationhub.dev/hub/outbound"
)

// Request is a request of Looker that is passed to an upstream while it arrives.
type Request struct {
	// Integration is the integration's name at the upstream.
	Integration string
	// Header is that of Looker's request.
	Header http.Header
	Body   Body
	// Length is the body's in bytes, or -1 if it is not known.
	Length int64
}

// Body is the body of a request. If it ends early, it returns an error, never io.EOF, so that the upstream
// never takes a part for the whole: net/http then breaks off the connection, also of a chunked request.
type Body interface {
	io.Reader
	// Complete reports whether everything was read.
	Complete() bool
	// Err is the error with which the body ended early, or nil.
	Err() error
}

// passedHeaders are the headers of Looker's request that the upstream gets. Looker's token is not among them.
var passedHeaders = []string{"Content-Type", "Content-Encoding", "User-Agent", "X-Looker-Instance", "X-Looker-Webhook-Id"}

// do passes a request. The caller closes the body of the response, whose status is one of success.
func (h *Hub) do(ctx context.Context, method, leg string, r Request) (*http.Response, error) {
	// A kept connection that the upstream is about to close would lose a request that cannot be repeated.
	ctx = outbound.WithFreshConnection(ctx)
	req, err := http.NewRequestWithContext(ctx, method, h.config.URL+outbound.Path("actions", r.Integration, leg), http.NoBody)
	if err != nil {
		return nil, errors.New("the URL of the upstream is not valid")
	}
	if r.Length != 0 {
		req.Body, req.ContentLength = io.NopCloser(r.Body), r.Length
		// An upstream that refuses the request does so before the data is sent.
		req.Header.Set("Expect", "100-continue")
	}
	req.Header.Set("Content-Type", "application/json")
	for _, name := range passedHeaders {
		if value := r.Header.Get(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	h.addVia(req, r.Header)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	if err := h.authorize(req); err != nil {
		return nil, err
	}
	res, err := outbound.Do(h.client, req, h.name)
	if err != nil {
		return nil, explainToken(err, h.name)
	}
	return res, nil
}
