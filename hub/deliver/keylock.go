package deliver

import "sync"

// keyLock is a set of locks, one for each key.
type keyLock struct {
	mu       sync.Mutex
	unlocked sync.Cond
	locked   map[string]bool
}

func newKeyLock() *keyLock {
	l := &keyLock{locked: map[string]bool{}}
	l.unlocked.L = &l.mu
	return l
}

// TryLock locks the key unless it is locked, and reports whether it did.
func (l *keyLock) TryLock(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.locked[key] {
		return false
	}
	l.locked[key] = true
	return true
}

// Lock waits until the key is unlocked and locks it.
func (l *keyLock) Lock(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.locked[key] {
		l.unlocked.Wait()
	}
	l.locked[key] = true
}

// Unlock unlocks the keys.
func (l *keyLock) Unlock(keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		delete(l.locked, key)
	}
	l.unlocked.Broadcast()
}
