package hub

import (
	"errors"
	"net"
	"net/http"
	"time"

	"integrationhub.dev/hub/telemetry"
)

// Timeouts against clients that hold a connection without using it. None limits a whole request:
// a large one may take as long as data arrives.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 5 * time.Minute // longer than the idle timeout of load balancers
	// bodyIdle is how long a request's body may stall, and responseIdle how long a client may
	// not read the response.
	bodyIdle     = time.Minute
	responseIdle = time.Minute
)

// newHTTPServer serves HTTP/1.1 with these limits. Looker does not use HTTP/2, so it would only
// add attack surface.
func newHTTPServer(h http.Handler, maxHeaderBytes int) *http.Server {
	s := &http.Server{
		Handler:           closeAfterChunked(limitBodyWait(h)),
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		Protocols: new(http.Protocols), ConnContext: withCoalescing,
	}
	s.Protocols.SetHTTP1(true)
	return s
}

// limitBodyWait sets a deadline for the start of a body. net/http reads what a handler leaves
// unread, so a body that never arrives would hold the connection of a refused request.
func limitBodyWait(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyIdle))
		}
		next.ServeHTTP(w, r)
	})
}

// closeAfterChunked closes the connection after a chunked request. If the request also had a
// Content-Length, which net/http drops, a proxy may have used that instead, and the rest of the
// connection could be a smuggled request (RFC 9112, section 6.3).
func closeAfterChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// reportAcceptErrors logs and counts connections that could not be accepted, for example because
// the process has no file descriptors left. net/http only retries.
func reportAcceptErrors(l net.Listener, tel *telemetry.Telemetry) net.Listener {
	return &reportingListener{Listener: l, telemetry: tel}
}

type reportingListener struct {
	net.Listener
	telemetry *telemetry.Telemetry
}

// Accept implements [net.Listener].
func (l *reportingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		l.telemetry.Metrics.AcceptError()
		l.telemetry.Log.Error("cannot accept a connection", "error", err)
	}
	return c, err
}
