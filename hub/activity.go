package hub

import (
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// idleAfter is how long no client may have been connected before the hub counts as idle. It is longer
	// than the intervals of load balancers' health checks.
	idleAfter = time.Minute
	// idleDrainDelay replaces the drain delay of an idle hub. It covers the time until the cluster's own
	// proxies have removed the pod. A namespace is deleted promptly only if its pods end within about five
	// seconds: its controller then looks again, and otherwise only after minutes.
	idleDrainDelay = time.Second
)

// activity tracks the connections to the hub's port.
type activity struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
	last time.Time
}

func newActivity() *activity { return &activity{open: map[net.Conn]struct{}{}, last: time.Now()} }

// connState is the ConnState of the [http.Server].
func (a *activity) connState(c net.Conn, state http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = time.Now()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(a.open, c)
	} else {
		a.open[c] = struct{}{}
	}
}

// idle reports whether no client is connected, or was in the last minute.
func (a *activity) idle() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.open) == 0 && time.Since(a.last) > idleAfter
}

// drainDelay is how long a stopping hub still accepts requests. A hub that no client uses needs only a
// moment: there is no load balancer that still sends requests.
func (a *activity) drainDelay(configured time.Duration) time.Duration {
	if a.idle() {
		return min(configured, idleDrainDelay)
	}
	return configured
}
