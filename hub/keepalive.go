package hub

import (
	"net/http"
	"sync"
	"time"
)

// keepAlive writes a newline at an interval until the response is ready, so that no proxy between
// Looker and the hub closes an idle connection. The first newline sends status 200; the response
// always ends with a JSON document.
type keepAlive struct {
	w        http.ResponseWriter
	interval time.Duration

	mu      sync.Mutex
	timer   *time.Timer
	started bool // the status has been sent
	done    bool
}

func startKeepAlive(w http.ResponseWriter, interval time.Duration) *keepAlive {
	k := &keepAlive{w: w, interval: interval}
	k.start()
	return k
}

// start starts the newlines, unless the response has ended. The request's body must have been read: net/http
// does not read it once the response has begun.
func (k *keepAlive) start() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.done {
		k.timer = time.AfterFunc(k.interval, k.tick)
	}
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
	// A disconnected client ends the request's context.
	_, _ = k.w.Write([]byte("\n"))
	_ = http.NewResponseController(k.w).Flush()
	k.timer.Reset(k.interval)
}

// finish ends the response. The status is used only if no newline has been sent.
func (k *keepAlive) finish(status int, body []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.done = true
	if k.timer != nil {
		k.timer.Stop()
	}
	if k.started {
		_, _ = k.w.Write(body)
		return
	}
	k.started = true
	writeRaw(k.w, status, body)
}
