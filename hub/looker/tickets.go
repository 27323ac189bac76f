package looker

import (
	"maps"
	"sync"
	"time"
)

// ticketLifetime is how long a one-time address is valid.
// Source: docs/action_api.md of the reference gives download URLs 3600 seconds. That the addresses of
// a sign-in have the same is an assumption.
const ticketLifetime = time.Hour

// ticket is what a one-time address is for.
type ticket struct {
	user, integration string
	// download is the data of a download address.
	download *download
	expires  time.Time
}

// tickets are the one-time addresses that have not been used.
type tickets struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]ticket
}

func newTickets(now func() time.Time) *tickets {
	return &tickets{now: now, open: map[string]ticket{}}
}

func (t *tickets) issue(k ticket) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	maps.DeleteFunc(t.open, func(_ string, k ticket) bool { return !now.Before(k.expires) })
	id := oneTimeID()
	k.expires = now.Add(ticketLifetime)
	t.open[id] = k
	return id
}

// find returns what an address is for, and leaves it valid.
func (t *tickets) find(id string) (ticket, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.open[id]
	return k, ok && t.now().Before(k.expires)
}

// use returns what an address is for, once.
func (t *tickets) use(id string) (ticket, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.open[id]
	delete(t.open, id)
	return k, ok && t.now().Before(k.expires)
}

func (t *tickets) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.open)
}
