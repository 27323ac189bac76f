package hub

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// A body must move: in each minute that the hub waits for it, it brings at least 64 KiB or ends.
// A deadline for each read alone would let a client hold its place in the hub with a byte a
// minute. Time in which the hub itself does not read, because its spool is full, does not count.
const (
	bodyWindow = bodyIdle
	bodyRate   = 64 << 10
)

// errTooSlow says that a body arrived below the lowest rate.
var errTooSlow = errors.New("the body arrived too slowly")

// pacedReader reads a body at its lowest rate or faster. The deadline falls with the body's end;
// what a handler leaves unread has to come before it.
type pacedReader struct {
	r       io.Reader
	control *http.ResponseController
	now     func() time.Time

	left   time.Duration // of the window, while waiting
	enough int           // bytes that begin the next window
}

func newPacedReader(body io.Reader, w http.ResponseWriter) *pacedReader {
	return &pacedReader{r: body, control: http.NewResponseController(w), now: time.Now, left: bodyWindow, enough: bodyRate}
}

// Read implements [io.Reader].
func (p *pacedReader) Read(b []byte) (int, error) {
	start := p.now()
	_ = p.control.SetReadDeadline(start.Add(p.left)) // not every connection can: tests
	n, err := p.r.Read(b)
	if p.enough -= n; p.enough <= 0 {
		p.left, p.enough = bodyWindow, bodyRate
	} else {
		p.left -= p.now().Sub(start)
	}
	switch {
	case errors.Is(err, io.EOF):
		_ = p.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errTooSlow
	}
	return n, err
}
