package signin

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"integrationhub.dev/hub/action"
)

// Rotations remember the tokens that replaced others, for services whose refresh tokens can be used only once: a delivery that
// began before Looker stored the new tokens comes with the used ones. Other replicas of the hub do not know of them.
type Rotations struct {
	mu   sync.Mutex
	next map[[sha256.Size]byte]*rotation
}

// rotation is what replaced one refresh token.
type rotation struct {
	until time.Time
	// tokens are empty until the service returned them. The lock of [Rotations] guards them.
	tokens Tokens

	// asking is held while the service is asked.
	asking sync.Mutex
}

// rotationTTL is longer than deliveries that begin at the same time take.
const rotationTTL = time.Hour

// of returns the entry of a refresh token, of which only a hash is kept.
func (r *Rotations) of(refresh string) *rotation {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for k, old := range r.next {
		if !now.Before(old.until) {
			delete(r.next, k)
		}
	}
	key := sha256.Sum256([]byte(refresh))
	if r.next[key] == nil {
		if r.next == nil {
			r.next = map[[sha256.Size]byte]*rotation{}
		}
		r.next[key] = &rotation{until: now.Add(rotationTTL)}
	}
	return r.next[key]
}

// latest returns the tokens that replaced t, or those that replaced these, and so on.
func (r *Rotations) latest(t Tokens) Tokens {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range len(r.next) { // a service that repeats a refresh token must not make this endless
		next := r.next[sha256.Sum256([]byte(t.Refresh))]
		if next == nil || next.tokens == (Tokens{}) {
			break
		}
		t = next.tokens
	}
	return t
}

// refresh returns the tokens that replace old. For one refresh token, only one call at a time asks the service.
func (r *Rotations) refresh(ctx context.Context, old Tokens, ask func(context.Context, Tokens) (Tokens, error)) (Tokens, error) {
	at := r.of(old.Refresh)
	at.asking.Lock()
	defer at.asking.Unlock()
	if known := r.latest(old); known != old {
		return known, nil
	}
	fresh, err := ask(ctx, old)
	if err == nil && fresh.Refresh != old.Refresh {
		r.mu.Lock()
		defer r.mu.Unlock()
		at.tokens, at.until = fresh, time.Now().Add(rotationTTL)
	}
	return fresh, err
}

// Renewed returns the state for Looker to store if the tokens are not those that the session was opened with, and nil otherwise.
// A response has it even if the delivery failed: the older tokens may be worth nothing by now.
func (s *Session) Renewed() *action.State {
	if tokens := s.Tokens(); tokens != s.opened {
		return Keep(tokens)
	}
	return nil
}
