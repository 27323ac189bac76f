package deliver

import "sync"

// order keeps items of one key apart, in the order in which they are read.
type order struct {
	mu    sync.Mutex
	freed sync.Cond
	busy  map[string]bool
}

func newOrder() *order {
	o := &order{busy: map[string]bool{}}
	o.freed.L = &o.mu
	return o
}

// enter reports whether no other item of the key is read and not settled. Then this one is.
func (o *order) enter(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy[key] {
		return false
	}
	o.busy[key] = true
	return true
}

// wait enters once the earlier item of the key is settled, which therefore must be under way.
func (o *order) wait(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.busy[key] {
		o.freed.Wait()
	}
	o.busy[key] = true
}

// leave tells that the items of these keys are settled.
func (o *order) leave(keys []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range keys {
		delete(o.busy, key)
	}
	o.freed.Broadcast()
}
