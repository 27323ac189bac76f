package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// maxPollInterval is how rarely a hub is checked whose state does not change.
const maxPollInterval = 2 * time.Minute

// maxFileDelay is how long the kubelet may take to update mounted files, with some reserve.
const maxFileDelay = 5 * time.Minute

// polls makes the operator check a hub less often the longer its state stays the same. It is lost at
// a restart, and the intervals then start again.
type polls struct {
	mu sync.Mutex
	// changed is when the status of a hub last changed.
	changed map[types.NamespacedName]time.Time
	// now is the clock; nil is the system's.
	now func() time.Time
}

// next returns when to check a hub again. Each interval is about half as long again as the previous
// one. Only the wait for files ends soon, so its interval stays the same for maxFileDelay.
func (p *polls) next(hub types.NamespacedName, statusChanged bool, interval time.Duration, forFiles bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.now != nil {
		now = p.now()
	}
	since, known := p.changed[hub]
	if !known || statusChanged {
		if p.changed == nil {
			p.changed = map[types.NamespacedName]time.Time{}
		}
		p.changed[hub], since = now, now
	}
	unchanged := now.Sub(since)
	if forFiles && unchanged < maxFileDelay {
		return interval
	}
	return max(interval, min(unchanged/2, maxPollInterval))
}

// forget drops a deleted hub.
func (p *polls) forget(hub types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.changed, hub)
}
