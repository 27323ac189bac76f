package slack

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
)

// remembered is how long an answer serves: Looker asks for a form again on every change of
// a field, and Slack allows some lists only twenty times a minute.
const remembered = 15 * time.Second

// memo remembers what Slack answered a token, for a short while. One token's answers are
// never another's: a token decides what may be seen.
type memo[T any] struct {
	// size is how much of the memo an answer takes; most is the size of all together.
	size func(T) int
	most int

	asks singleflight.Group

	mu      sync.Mutex
	used    int
	answers map[key]answer[T]
	order   []key // oldest first
}

type answer[T any] struct {
	value  T
	expire *time.Timer
}

// key is a digest of a token and a question, so that no token stays in memory for it.
type key [sha256.Size]byte

func keyOf(token action.Secret, question string) key {
	return sha256.Sum256([]byte(question + "\x00" + token.Reveal()))
}

func newMemo[T any](most int, size func(T) int) *memo[T] {
	return &memo[T]{size: size, most: most, answers: map[key]answer[T]{}}
}

// get returns the answer to a question, which ask fetches unless it is remembered. Those who
// want the same at the same time wait for one call, which goes on, within the time of a form,
// when one of them leaves. An error is told to all of them and not remembered.
func (m *memo[T]) get(ctx context.Context, k key, ask func(context.Context) (T, error)) (T, error) {
	var none T
	if value, ok := m.find(k); ok {
		return value, nil
	}
	told := m.asks.DoChan(string(k[:]), func() (value any, err error) {
		// A panic here is on no request's goroutine: it would end the hub.
		defer func() {
			if v := recover(); v != nil {
				err = panics.NewError(v)
			}
		}()
		// The last call may have ended between the look and the ask.
		if value, ok := m.find(k); ok {
			return value, nil
		}
		ctx, cancel := Bounded(context.WithoutCancel(ctx))
		defer cancel()
		found, err := ask(ctx)
		if err != nil {
			return nil, err
		}
		m.put(k, found)
		return found, nil
	})
	select {
	case <-ctx.Done():
		return none, context.Cause(ctx)
	case r := <-told:
		value, _ := r.Val.(T) // nil beside an error
		return value, r.Err
	}
}

func (m *memo[T]) find(k key) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.answers[k]
	return a.value, ok
}

// put remembers an answer, in place of the oldest where there is no room. One that is too
// large for all of the room is not remembered.
func (m *memo[T]) put(k key, value T) {
	size := m.size(value)
	if size > m.most {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.used+size > m.most {
		m.forget(m.order[0])
	}
	m.answers[k] = answer[T]{value, time.AfterFunc(remembered, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.forget(k)
	})}
	m.order = append(m.order, k)
	m.used += size
}

// forget is called with the lock held.
func (m *memo[T]) forget(k key) {
	a, ok := m.answers[k]
	if !ok {
		return
	}
	a.expire.Stop()
	delete(m.answers, k)
	m.order = slices.DeleteFunc(m.order, func(o key) bool { return o == k })
	m.used -= m.size(a.value)
}
