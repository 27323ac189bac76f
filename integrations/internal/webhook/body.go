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

// body records how its source ended and how many bytes were read. If the length is known, the receiver can
// respond before the HTTP client has read to the end. The client reads on its own goroutine, which may
// outlive the call.
type body struct {
	data io.Reader
	size int64 // 0 or less if unknown
	read atomic.Int64
	end  atomic.Pointer[error]
	once sync.Once
	// over is closed when the source has ended or size bytes were read.
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

// flushTimeout is how long the response is read after all of the data was read. The HTTP client may still
// be sending the last bytes.
const flushTimeout = 2 * time.Second

// await closes a successful response after the receiver had time to read the rest of the data, since it
// can respond early. The response's body is not used, and may break off or never end.
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

// maxAnswer limits how much of the response is read.
const maxAnswer = 64 << 10
