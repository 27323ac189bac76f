// Package watch follows work that goes on at a destination after its delivery has been
// answered: it bounds how much is followed at once and for how long, and says what became of
// it.
//
// The hub keeps nothing, so a watch lives as long as the process. One that stops gives its
// watches the time of the drain; what is then still under way is given up, logged and counted.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"integrationhub.dev/hub/action"
)

// The causes with which a watch's context ends before its work has.
var (
	// ErrStopping: the hub stops.
	ErrStopping = errors.New("the hub stopped before the work that it followed had ended")
	// ErrTooLong: the watch took longer than the hub is set to follow anything.
	ErrTooLong = errors.New("the work took longer than the hub is set to follow it")
)

// Outcome is what became of a watch.
type Outcome string

// The outcomes of watches.
const (
	Ended   Outcome = "ended"
	Failed  Outcome = "failed"
	TooLong Outcome = "too_long"
	GivenUp Outcome = "given_up"
)

// Observer hears of watches, with the context of the delivery that began them. Its methods
// are called by many goroutines at once.
type Observer interface {
	WatchBegan(context.Context)
	WatchEnded(context.Context, Outcome)
	WatchRefused(context.Context)
}

// Options say how much is followed.
type Options struct {
	// Most is how many watches there are at once.
	Most int
	// Longest is how long one may take.
	Longest  time.Duration
	Observer Observer
	Log      *slog.Logger
}

// Pool is the hub's watches.
type Pool struct {
	options Options
	// stopping is closed when all that is under way shall end.
	stopping chan struct{}

	mu     sync.Mutex
	closed bool
	taken  int
	// underWay counts what has been admitted. It only grows while mu is held and the pool is
	// not closed.
	underWay sync.WaitGroup
}

// New makes a pool.
func New(o Options) *Pool {
	return &Pool{options: o, stopping: make(chan struct{})}
}

// Watch is the pool's [action.Watcher].
func (p *Pool) Watch(ctx context.Context, begin func(context.Context) (action.Watch, error)) error {
	if err := p.enter(); err != nil {
		p.options.Observer.WatchRefused(ctx)
		return err
	}
	began := false
	defer func() { // also where begin panics
		if !began {
			p.leave()
		}
	}()
	w, err := begin(ctx)
	if err != nil {
		return err
	}
	began = true
	p.options.Observer.WatchBegan(ctx)
	go p.follow(context.WithoutCancel(ctx), w)
	return nil
}

func (p *Pool) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return action.Errorf(action.Unavailable, "The hub is stopping. Try again in a moment.")
	case p.taken >= p.options.Most:
		return action.Errorf(action.RateLimited, "The hub follows as many jobs as it is set to (%d). Try again later.", p.options.Most)
	}
	p.taken++
	p.underWay.Add(1)
	return nil
}

func (p *Pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.underWay.Done()
}

func (p *Pool) follow(ctx context.Context, w action.Watch) {
	defer p.leave()
	start := time.Now()
	err := p.bounded(ctx, w)
	outcome := outcomeOf(err)
	p.options.Observer.WatchEnded(ctx, outcome)
	attrs := []any{"watch", w.Name, "outcome", string(outcome), "seconds", time.Since(start).Seconds()}
	if err != nil {
		p.options.Log.ErrorContext(ctx, "watch", append(attrs, "error", err)...)
		return
	}
	p.options.Log.InfoContext(ctx, "watch", attrs...)
}

// bounded follows until the watch is over, or told that it has to be.
func (p *Pool) bounded(ctx context.Context, w action.Watch) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.options.Longest, ErrTooLong)
	defer cancel()
	ctx, give := context.WithCancelCause(ctx)
	defer give(nil)
	go func() {
		select {
		case <-p.stopping:
			give(ErrStopping)
		case <-ctx.Done():
		}
	}()
	defer func() {
		if v := recover(); v != nil { // a bug in one watch must not end the hub
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	if err := w.Follow(ctx); err != nil {
		if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		return err
	}
	return nil
}

func outcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Ended
	case errors.Is(err, ErrStopping):
		return GivenUp
	case errors.Is(err, ErrTooLong):
		return TooLong
	}
	return Failed
}

// Drain takes no more watches and waits for those under way until ctx ends. Then they are
// told to end, and have [action.LastWord] for it. It returns how many were told. It is called
// once.
func (p *Pool) Drain(ctx context.Context) int {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	over := make(chan struct{})
	go func() { p.underWay.Wait(); close(over) }()
	select {
	case <-over:
		return 0
	case <-ctx.Done():
	}
	p.mu.Lock()
	left := p.taken
	p.mu.Unlock()
	close(p.stopping)
	last := time.NewTimer(action.LastWord)
	defer last.Stop()
	select {
	case <-over:
	case <-last.C:
	}
	return left
}
