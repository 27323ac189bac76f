package webhook

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"integrationhub.dev/hub/panics"
)

// body remembers how its source ended and how much was read: where a length was announced,
// the receiver may answer before anybody asks for the end. The HTTP client reads it on a
// goroutine of its own, which may outlive the call.
type body struct {
	data io.Reader
	size int64 // 0 or less is unknown
	read atomic.Int64
	end  atomic.Pointer[error]
	once sync.Once
	// over is closed when the source has ended, or all that was announced was read.
	over chan struct{}
}

func newBody(data io.Reader, size int64) *body {
	return &body{data: data, size: size, over: make(chan struct{})}
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.data.Read(p)
	b.read.Add(int64(n))
	if err != nil {
		b.end.CompareAndSwap(nil, &err)
	}
	if err != nil || b.complete() {
		b.once.Do(func() { close(b.over) })
	}
	return n, err
}

// complete reports whether the HTTP client has read all of the data.
func (b *body) complete() bool {
	return b.end.Load() != nil || b.size > 0 && b.read.Load() >= b.size
}

// flushTimeout is how long an answer is still read once all of the data was read: the HTTP
// client may not have sent the last of it yet.
const flushTimeout = 2 * time.Second

// await closes a successful answer. A receiver may answer before it has taken all of the data,
// and is then given the time to. Nothing depends on the answer's own body, which may break
// off, or never end.
func (b *body) await(ctx context.Context, res *http.Response) {
	read := make(chan struct{})
	panics.Go(func() error {
		_, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
		return err
	}, func(error) { close(read) })
	defer func() {
		_ = res.Body.Close()
		<-read
	}()
	select {
	case <-read:
		return
	case <-ctx.Done():
		return
	case <-b.over:
	}
	timer := time.NewTimer(flushTimeout)
	defer timer.Stop()
	select {
	case <-read:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// maxAnswer is how much of the receiver's answer is read; nothing depends on it.
const maxAnswer = 64 << 10
