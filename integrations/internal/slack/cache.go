package slack

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/jellydator/ttlcache/v3"
	"golang.org/x/sync/singleflight"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
)

// cacheTTL is how long a response is kept: Looker requests a form again on every change of a
// field, and Slack allows some lists only twenty times a minute.
const cacheTTL = 15 * time.Second

// cache keeps Slack's responses for a short time. They are kept per token, because a token decides
// what its user may see.
type cache[T any] struct {
	maxCost uint64
	cost    func(T) uint64
	entries *ttlcache.Cache[key, T]
	flights singleflight.Group
}

// key is a digest of a token and a question, so that the cache holds no token.
type key [sha256.Size]byte

func keyOf(token action.Secret, question string) key {
	return sha256.Sum256([]byte(question + "\x00" + token.Reveal()))
}

func newCache[T any](maxCost uint64, cost func(T) uint64) *cache[T] {
	return &cache[T]{
		maxCost: maxCost, cost: cost,
		entries: ttlcache.New(
			ttlcache.WithTTL[key, T](cacheTTL), ttlcache.WithDisableTouchOnHit[key, T](),
			ttlcache.WithMaxCost(maxCost, func(item ttlcache.CostItem[key, T]) uint64 { return cost(item.Value) }),
		),
	}
}

// get returns the response to a question, which fetch gets unless it is in the cache. Concurrent
// calls with the same key share one fetch. It has the time limit of a form, and goes on if one of
// the callers leaves. Errors are not cached.
func (c *cache[T]) get(ctx context.Context, k key, fetch func(context.Context) (T, error)) (T, error) {
	var none T
	if item := c.entries.Get(k); item != nil {
		return item.Value(), nil
	}
	result := c.flights.DoChan(string(k[:]), func() (any, error) {
		var value T
		// A panic here is not on a request's goroutine: it would end the hub.
		err := panics.Catch(func() (err error) {
			value, err = c.fetch(ctx, k, fetch)
			return err
		})
		return value, err
	})
	select {
	case <-ctx.Done():
		return none, context.Cause(ctx)
	case r := <-result:
		value, _ := r.Val.(T) // nil beside an error
		return value, r.Err
	}
}

func (c *cache[T]) fetch(ctx context.Context, k key, fetch func(context.Context) (T, error)) (T, error) {
	// Another fetch may have ended since the first look into the cache.
	if item := c.entries.Get(k); item != nil {
		return item.Value(), nil
	}
	ctx, cancel := WithFormTimeout(context.WithoutCancel(ctx))
	defer cancel()
	value, err := fetch(ctx)
	if err == nil && c.cost(value) <= c.maxCost {
		c.entries.Set(k, value, ttlcache.DefaultTTL)
		time.AfterFunc(cacheTTL+time.Second, c.entries.DeleteExpired) // lists are too large to be kept longer
	}
	return value, err
}
