package action

import (
	"context"
	"time"
)

// Watch is work that the destination goes on with after the delivery has been answered, such
// as a training job of hours.
type Watch struct {
	// Name says which work it is, in the log: neither a secret nor data.
	Name string
	// Follow returns once the work has ended and what had to follow it is done, or with what
	// went wrong. When ctx ends before, because the hub stops or the watch took too long, it
	// has [LastWord] to tell whoever waits. It never outlives that.
	Follow func(ctx context.Context) error
}

// LastWord is how long a watch may go on after its context has ended.
const LastWord = 10 * time.Second

// Watcher has work followed. A place is taken before begin is called, which starts the work,
// so that nothing is started that nobody would look after. Without a free place it returns an
// [*Error] for the Looker user, and otherwise what begin says.
type Watcher func(ctx context.Context, begin func(context.Context) (Watch, error)) error
