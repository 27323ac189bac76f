package looker

import (
	"io"
	"sync/atomic"
)

// Progress counts the bytes of a delivery while it runs. Its methods can be called on nil.
type Progress struct{ total, sent, downloaded, answered atomic.Int64 }

// Transferred are the bytes that were transferred so far.
type Transferred struct {
	// Sent is how much of the request's Total was sent.
	Sent  int64 `json:"sent"`
	Total int64 `json:"total"`
	// Downloaded is what the hub read from the download URL.
	Downloaded int64 `json:"downloaded"`
	// Answered are the bytes of the response, newlines that keep the connection alive among them.
	Answered int64 `json:"answered"`
}

// Transferred returns what was transferred so far.
func (p *Progress) Transferred() Transferred {
	if p == nil {
		return Transferred{}
	}
	return Transferred{p.sent.Load(), p.total.Load(), p.downloaded.Load(), p.answered.Load()}
}

func (p *Progress) request(r io.Reader, size int) io.Reader {
	if p == nil {
		return r
	}
	p.total.Store(int64(size))
	return counter{r, &p.sent}
}

func (p *Progress) download(r io.Reader) io.Reader {
	if p == nil {
		return r
	}
	return counter{r, &p.downloaded}
}

func (p *Progress) answer(r io.Reader) io.Reader {
	if p == nil {
		return r
	}
	return counter{r, &p.answered}
}

// counter counts what is read.
type counter struct {
	io.Reader
	n *atomic.Int64
}

func (c counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}
