package hub

import (
	"net/http"
	"sync"
	"time"
)

// keepAlive writes a newline now and then while an answer is being made, so that nothing
// between Looker and the hub closes the connection. The first newline sends status 200;
// whatever happens after it, a JSON document ends the answer.
type keepAlive struct {
	w        http.ResponseWriter
	interval time.Duration

	mu      sync.Mutex
	timer   *time.Timer
	started bool // the status has gone out
	done    bool
}

func startKeepAlive(w http.ResponseWriter, interval time.Duration) *keepAlive {
	k := &keepAlive{w: w, interval: interval}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer = time.AfterFunc(interval, k.tick)
	return k
}

func (k *keepAlive) tick() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done {
		return
	}
	if !k.started {
		k.started = true
		k.w.Header().Set("Content-Type", "application/json; charset=utf-8")
		k.w.WriteHeader(http.StatusOK)
	}
	// A client that is gone shows in the request's context.
	_, _ = k.w.Write([]byte("\n"))
	_ = http.NewResponseController(k.w).Flush()
	k.timer.Reset(k.interval)
}

// finish ends the answer. The status counts only if no newline went out before.
func (k *keepAlive) finish(status int, body []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.done = true
	k.timer.Stop()
	if k.started {
		_, _ = k.w.Write(body)
		return
	}
	k.started = true
	writeRaw(k.w, status, body)
}
