package hub

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"integrationhub.dev/hub/payload"
	"integrationhub.dev/hub/upstream"
)

// passedBody is the body of a request that is passed to an upstream while it arrives. net/http reads it on
// another goroutine, and closes it.
type passedBody struct {
	paced io.Reader
	meter payload.Meter
	// onComplete is called once when everything was read.
	onComplete func()

	mu       sync.Mutex
	complete bool
	err      error
}

var _ upstream.Body = (*passedBody)(nil)

func (s *Server) newPassedBody(w http.ResponseWriter, r *http.Request, meter payload.Meter, onComplete func()) *passedBody {
	body := r.Body
	if s.config.MaxBodyBytes > 0 {
		body = http.MaxBytesReader(w, body, s.config.MaxBodyBytes)
	}
	b := &passedBody{paced: newPacedReader(body, w), meter: meter, onComplete: onComplete}
	if r.ContentLength == 0 {
		b.ended(io.EOF)
	}
	return b
}

// Read implements [io.Reader].
func (b *passedBody) Read(p []byte) (int, error) {
	n, err := b.paced.Read(p)
	b.meter.Bytes(n)
	if err != nil {
		b.ended(err)
	}
	return n, err
}

func (b *passedBody) ended(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.complete || b.err != nil:
	case errors.Is(err, io.EOF):
		b.complete = true
		b.onComplete()
	default:
		b.err = err
	}
}

// Complete implements [upstream.Body].
func (b *passedBody) Complete() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.complete
}

// Err implements [upstream.Body].
func (b *passedBody) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// finish prepares the response, and returns the error with which the body ended early. What was not read of
// it is not needed, so the connection is closed.
func (b *passedBody) finish(w http.ResponseWriter) error {
	err := b.Err()
	if !b.Complete() {
		w.Header().Set("Connection", "close")
	}
	return err
}
