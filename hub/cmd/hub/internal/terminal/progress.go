package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Progress shows how far a long transfer is, in one line of a terminal.
type Progress struct {
	w     io.Writer
	total int64
	read  atomic.Int64
	start time.Time
	// columns is the terminal's width.
	columns func() int

	stop  chan struct{}
	ended sync.WaitGroup
}

// A transfer that ends before the delay shows nothing at all.
const (
	progressDelay  = 500 * time.Millisecond
	progressPeriod = 200 * time.Millisecond
)

// StartProgress begins to show a transfer of total bytes, or 0 where that is not known, on w
// if that is a terminal. The caller ends it with Stop.
func StartProgress(w io.Writer, total int64) *Progress {
	p := &Progress{w: w, total: total, start: time.Now(), columns: func() int { return Width(w) }, stop: make(chan struct{})}
	if Is(w) {
		p.ended.Go(p.show)
	}
	return p
}

// Reader counts what is read from r.
func (p *Progress) Reader(r io.Reader) io.Reader { return &countingReader{r, &p.read} }

// Bytes is how many bytes were read.
func (p *Progress) Bytes() int64 { return p.read.Load() }

// Elapsed is the time since the start.
func (p *Progress) Elapsed() time.Duration { return time.Since(p.start) }

// Stop removes the line.
func (p *Progress) Stop() {
	close(p.stop)
	p.ended.Wait()
}

func (p *Progress) show() {
	wait, shown := progressDelay, false
	for {
		select {
		case <-p.stop:
			if shown {
				_, _ = fmt.Fprint(p.w, "\r\x1b[K")
			}
			return
		case <-time.After(wait):
			_, _ = fmt.Fprint(p.w, "\r\x1b[K"+p.line(p.columns()))
			wait, shown = progressPeriod, true
		}
	}
}

// line is what stands in the terminal now. One that filled it would begin a new line.
func (p *Progress) line(columns int) string {
	read, elapsed := p.read.Load(), p.Elapsed()
	if p.total > 0 && read >= p.total {
		return cut(fmt.Sprintf("sent %s, waiting for the hub (%s)", Size(read), elapsed.Truncate(time.Second)), columns)
	}
	speed := Size(int64(float64(read)/max(elapsed.Seconds(), 0.001))) + "/s"
	if p.total <= 0 {
		return cut(fmt.Sprintf("sent %s  %s", Size(read), speed), columns)
	}
	share := float64(read) / float64(p.total)
	text := fmt.Sprintf(" %3.0f%%  %s of %s  %s", share*100, Size(read), Size(p.total), speed)
	if cells := min(30, columns-len(text)-3); cells >= 5 {
		full := int(share * float64(cells))
		text = "[" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "]" + text
	}
	return cut(text, columns)
}

func cut(text string, columns int) string {
	if columns > 0 && len(text) >= columns {
		return text[:columns-1]
	}
	return text
}

// Size is a number of bytes for people.
func Size(n int64) string {
	value, units := float64(n), []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for value >= 999.95 && i < len(units)-1 {
		value, i = value/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[i])
}

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}
