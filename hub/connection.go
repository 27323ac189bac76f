package hub

import (
	"net/http"
	"time"
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
		Handler: boundBody(h), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
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
