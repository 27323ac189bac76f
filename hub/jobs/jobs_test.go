package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/jobs"
)

// recorder keeps what it hears, in order.
type recorder struct {
	mu    sync.Mutex
	heard []string
	log   bytes.Buffer
}

func (r *recorder) hear(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, what)
}

// all is what it has heard so far.
func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.heard)
}

func (r *recorder) JobStarted(context.Context)                 { r.hear("began") }
func (r *recorder) JobEnded(_ context.Context, o jobs.Outcome) { r.hear(string(o)) }
func (r *recorder) JobRefused(context.Context)                 { r.hear("refused") }

func (r *recorder) pool(most int) *jobs.Pool {
	return jobs.New(jobs.Options{MaxJobs: most, Timeout: time.Hour, Observer: r, Log: slog.New(slog.NewTextHandler(&r.log, nil))})
}

// begins returns a function that starts a job.
func begins(follow func(context.Context) error) func(context.Context) (action.Job, error) {
	return func(context.Context) (action.Job, error) {
		return action.Job{Name: "job 1", Follow: follow}, nil
	}
}

// untilCancelled follows until the context ends, and returns why it did.
func untilCancelled(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

var errLost = errors.New("lost sight of it")

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		follow func(context.Context) error
		heard  []string
		logged string
		took   time.Duration
	}{
		"completed": {func(context.Context) error { time.Sleep(time.Minute); return nil }, []string{"began", "completed"}, "level=INFO msg=\"job ended\" job=\"job 1\" outcome=completed seconds=60", time.Minute},
		"failed":    {func(context.Context) error { return errLost }, []string{"began", "failed"}, "outcome=failed seconds=0 error=\"lost sight of it\"", 0},
		"timed out": {untilCancelled, []string{"began", "timed_out"}, "level=ERROR", time.Hour},
		"timed out, and another error": {func(ctx context.Context) error {
			<-ctx.Done()
			return errLost
		}, []string{"began", "timed_out"}, "job timeout: lost sight of it", time.Hour},
		"a bug": {func(context.Context) error { panic("a bug") }, []string{"began", "failed"}, "panic: a bug", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				p := r.pool(1)
				start := time.Now()
				if err := p.Start(t.Context(), begins(tt.follow)); err != nil {
					t.Fatal(err)
				}
				if left := p.Drain(context.Background()); left != 0 || time.Since(start) != tt.took {
					t.Errorf("%d jobs were interrupted after %v", left, time.Since(start))
				}
				if diff := cmp.Diff(tt.heard, r.all()); diff != "" {
					t.Errorf("heard (-want +got):\n%s", diff)
				}
				if log := r.log.String(); !strings.Contains(log, tt.logged) {
					t.Errorf("the log says %s, want %s", log, tt.logged)
				}
			})
		})
	}
}

// A job is followed further when its delivery's context has ended.
func TestOutlivesItsDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := r.pool(1)
		ctx, cancel := context.WithCancel(t.Context())
		err := p.Start(ctx, begins(func(ctx context.Context) error {
			time.Sleep(time.Minute)
			return ctx.Err()
		}))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		p.Drain(context.Background())
		if diff := cmp.Diff([]string{"began", "completed"}, r.all()); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	})
}

// A job that is still running when the drain ends has the shutdown grace, and no more.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := r.pool(3)
		var said atomic.Int32
		for _, last := range []time.Duration{0, action.ShutdownGrace / 2, 2 * action.ShutdownGrace} {
			err := p.Start(t.Context(), begins(func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(last)
				said.Add(1)
				return context.Cause(ctx)
			}))
			if err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		if left := p.Drain(ctx); left != 3 || said.Load() != 2 || time.Since(start) != 15*time.Minute+action.ShutdownGrace {
			t.Errorf("%d were interrupted, %d of them returned in time, after %v", left, said.Load(), time.Since(start))
		}
		if err := p.Start(t.Context(), begins(untilCancelled)); action.KindOf(err) != action.Unavailable || action.MessageOf(err) != "The hub is shutting down. Try again later." {
			t.Errorf("a job while the hub stops: %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"began", "began", "began", "interrupted", "interrupted", "refused", "interrupted"}, r.all()); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	})
}

// Without a free place nothing is begun, and a place is free again after whatever happened.
func TestPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := r.pool(1)
		nothing := func(context.Context) (action.Job, error) { return action.Job{}, errLost }
		if err := p.Start(t.Context(), nothing); !errors.Is(err, errLost) {
			t.Fatalf("what did not begin: %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = p.Start(t.Context(), func(context.Context) (action.Job, error) { panic("a bug") })
		}()
		release := make(chan struct{})
		if err := p.Start(t.Context(), begins(func(context.Context) error { <-release; return nil })); err != nil {
			t.Fatal(err)
		}
		began := false
		err := p.Start(t.Context(), func(context.Context) (action.Job, error) { began = true; return action.Job{}, nil })
		if began || action.KindOf(err) != action.RateLimited || action.MessageOf(err) != "The hub is at its limit of 1 running jobs. Try again later." {
			t.Errorf("without a place: began %t, %v", began, err)
		}
		close(release)
		synctest.Wait()
		if err := p.Start(t.Context(), begins(func(context.Context) error { return nil })); err != nil {
			t.Errorf("with a place again: %v", err)
		}
		p.Drain(context.Background())
		if diff := cmp.Diff([]string{"began", "refused", "completed", "began", "completed"}, r.all()); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	})
}
