package hub

import (
	"errors"
	"net"
	"net/http"
	"time"

	"integrationhub.dev/hub/telemetry"
)

// Limits of a connection, against clients that hold one without saying anything. None bounds
// a whole request: a large one may take as long as it moves.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 5 * time.Minute // longer than any load balancer keeps a connection
	// bodyIdle is how long a request's body may stall, answerIdle how long a client may take
	// to make room for more of the answer.
	bodyIdle   = time.Minute
	answerIdle = time.Minute
)

// newHTTPServer serves HTTP/1.1 with these limits. Looker speaks nothing newer, and what a
// server does not speak cannot be used against it.
func newHTTPServer(h http.Handler, maxHeaderBytes int) *http.Server {
	s := &http.Server{
		Handler: closeAfterChunked(boundBody(h)), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		Protocols: new(http.Protocols),
	}
	s.Protocols.SetHTTP1(true)
	return s
}

// boundBody bounds the first wait for a body. The server reads what a handler leaves unread,
// so that a body which never comes would hold its connection though the request was refused.
func boundBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyIdle))
		}
		next.ServeHTTP(w, r)
	})
}

// closeAfterChunked ends the connection after a request in chunks. Such a request may also have
// had a Content-Length, which net/http drops, and something before the hub may have gone by it:
// then what follows on the connection is not what it takes it for (RFC 9112, section 6.3).
func closeAfterChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// reportAcceptErrors logs and counts connections that could not be accepted, which happens when
// the process has no file descriptors left. The server itself only waits and tries again.
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
		l.telemetry.Log.Error("a connection could not be accepted", "error", err)
	}
	return c, err
}
