package outbound

import (
	"context"
	"net/http"
	"time"
)

// Call is an outbound request that has been answered, or that failed.
type Call struct {
	// Status is the answer's; 0 when none came.
	Status int
	// Took is the time until the answer's headers.
	Took time.Duration
}

// Observe makes a client tell of its calls, with their contexts. The client itself is changed.
func Observe(c *http.Client, tell func(context.Context, Call)) {
	c.Transport = observer{c.Transport, tell}
}

type observer struct {
	next http.RoundTripper
	tell func(context.Context, Call)
}

// RoundTrip implements [http.RoundTripper].
func (o observer) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	res, err := o.next.RoundTrip(req)
	call := Call{Took: time.Since(start)}
	if res != nil {
		call.Status = res.StatusCode
	}
	o.tell(req.Context(), call)
	return res, err
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach the transport.
func (o observer) CloseIdleConnections() {
	if c, ok := o.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
