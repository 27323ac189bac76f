// Package jobs follows work that a destination continues after its delivery has been answered.
// It limits how many jobs are followed at once and for how long, and reports how each ended.
//
// The hub is stateless, so it stops following a job when its process ends. On shutdown, running
// jobs have the drain timeout to end; the rest are interrupted, logged and counted.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
)

// The causes with which a job's context ends before the job does.
var (
	// ErrStopping means that the hub is shutting down.
	ErrStopping = errors.New("the hub stopped before the job ended")
	// ErrTimeout means that the job ran longer than the hub follows a job.
	ErrTimeout = errors.New("the job exceeded the hub's job timeout")
)

// Outcome is how following a job ended.
type Outcome string

// The outcomes of jobs.
const (
	Completed   Outcome = "completed"
	Failed      Outcome = "failed"
	TimedOut    Outcome = "timed_out"
	Interrupted Outcome = "interrupted"
)

// Observer is notified about jobs, with the context of the delivery that started them. Its
// methods are called concurrently.
type Observer interface {
	JobStarted(context.Context)
	JobEnded(context.Context, Outcome)
	JobRefused(context.Context)
}

// Options are the limits of a [Pool].
type Options struct {
	// MaxJobs is the maximum number of jobs that are followed at once.
	MaxJobs int
	// Timeout is how long one job is followed.
	Timeout  time.Duration
	Observer Observer
	Log      *slog.Logger
}

// Pool follows the hub's jobs.
type Pool struct {
	options Options
	// stopping is closed when all running jobs must end.
	stopping chan struct{}

	mu      sync.Mutex
	closed  bool
	running int
	// done waits for the running jobs. It is only incremented while mu is held and the pool is
	// not closed.
	done sync.WaitGroup
}

// New creates a pool.
func New(o Options) *Pool {
	return &Pool{options: o, stopping: make(chan struct{})}
}

// Start is the pool's [action.StartJob].
func (p *Pool) Start(ctx context.Context, start func(context.Context) (action.Job, error)) error {
	if err := p.acquire(); err != nil {
		p.options.Observer.JobRefused(ctx)
		return err
	}
	started := false
	defer func() { // also when start panics
		if !started {
			p.release()
		}
	}()
	job, err := start(ctx)
	if err != nil {
		return err
	}
	started = true
	p.options.Observer.JobStarted(ctx)
	go p.run(context.WithoutCancel(ctx), job)
	return nil
}

func (p *Pool) acquire() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return action.Errorf(action.Unavailable, "The hub is shutting down. Try again later.")
	case p.running >= p.options.MaxJobs:
		return action.Errorf(action.RateLimited, "The hub is at its limit of %d running jobs. Try again later.", p.options.MaxJobs)
	}
	p.running++
	p.done.Add(1)
	return nil
}

func (p *Pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.done.Done()
}

func (p *Pool) run(ctx context.Context, job action.Job) {
	defer p.release()
	start := time.Now()
	err := p.follow(ctx, job)
	outcome := outcomeOf(err)
	p.options.Observer.JobEnded(ctx, outcome)
	attrs := []any{"job", job.Name, "outcome", string(outcome), "seconds", time.Since(start).Seconds()}
	if err != nil {
		p.options.Log.ErrorContext(ctx, "job ended", append(attrs, "error", err)...)
		return
	}
	p.options.Log.InfoContext(ctx, "job ended", attrs...)
}

// follow calls the job's Follow with a context that ends at the timeout or on shutdown.
func (p *Pool) follow(ctx context.Context, job action.Job) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.options.Timeout, ErrTimeout)
	defer cancel()
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	go func() {
		select {
		case <-p.stopping:
			interrupt(ErrStopping)
		case <-ctx.Done():
		}
	}()
	err := panics.Catch(func() error { return job.Follow(ctx) })
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

func outcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Completed
	case errors.Is(err, ErrStopping):
		return Interrupted
	case errors.Is(err, ErrTimeout):
		return TimedOut
	}
	return Failed
}

// Drain refuses new jobs and waits for the running ones until ctx ends. It then cancels those
// that are left, gives them [action.ShutdownGrace], and returns how many there were. It must be
// called only once.
func (p *Pool) Drain(ctx context.Context) int {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	over := make(chan struct{})
	go func() { p.done.Wait(); close(over) }()
	select {
	case <-over:
		return 0
	case <-ctx.Done():
	}
	p.mu.Lock()
	interrupted := p.running
	p.mu.Unlock()
	close(p.stopping)
	grace := time.NewTimer(action.ShutdownGrace)
	defer grace.Stop()
	select {
	case <-over:
	case <-grace.C:
	}
	return interrupted
}
