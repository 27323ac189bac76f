package hub

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// A body must arrive at a minimum rate: bodyRate bytes in each bodyWindow that the hub waits for it.
// With a deadline for each read only, a client could hold a slot with one byte a minute. Time in
// which the hub does not read, because its spool is full, does not count.
const (
	bodyWindow = bodyIdle
	bodyRate   = 64 << 10
)

// errTooSlow means that a body arrived below the minimum rate.
var errTooSlow = errors.New("timed out reading the body")

// pacedReader enforces the minimum rate of a body. It clears the read deadline at the body's end,
// so the deadline also covers what a handler does not read.
type pacedReader struct {
	r       io.Reader
	control *http.ResponseController
	now     func() time.Time

	left   time.Duration // waiting time left in the window
	enough int           // bytes missing until the next window
}

func newPacedReader(body io.Reader, w http.ResponseWriter) *pacedReader {
	return &pacedReader{r: body, control: http.NewResponseController(w), now: time.Now, left: bodyWindow, enough: bodyRate}
}

// Read implements [io.Reader].
func (p *pacedReader) Read(b []byte) (int, error) {
	start := p.now()
	_ = p.control.SetReadDeadline(start.Add(p.left)) // not supported by the connections of some tests
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
