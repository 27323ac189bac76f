package watch_test

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
	"integrationhub.dev/hub/watch"
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

func (r *recorder) WatchBegan(context.Context)                    { r.hear("began") }
func (r *recorder) WatchEnded(_ context.Context, o watch.Outcome) { r.hear(string(o)) }
func (r *recorder) WatchRefused(context.Context)                  { r.hear("refused") }

func (r *recorder) pool(most int) *watch.Pool {
	return watch.New(watch.Options{Most: most, Longest: time.Hour, Observer: r, Log: slog.New(slog.NewTextHandler(&r.log, nil))})
}

// begins returns what begins a watch.
func begins(follow func(context.Context) error) func(context.Context) (action.Watch, error) {
	return func(context.Context) (action.Watch, error) {
		return action.Watch{Name: "job 1", Follow: follow}, nil
	}
}

// untilTold follows until the context ends, and says why it did.
func untilTold(ctx context.Context) error {
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
		"ended":    {func(context.Context) error { time.Sleep(time.Minute); return nil }, []string{"began", "ended"}, "level=INFO msg=watch watch=\"job 1\" outcome=ended seconds=60", time.Minute},
		"failed":   {func(context.Context) error { return errLost }, []string{"began", "failed"}, "outcome=failed seconds=0 error=\"lost sight of it\"", 0},
		"too long": {untilTold, []string{"began", "too_long"}, "level=ERROR", time.Hour},
		"too long, and another error": {func(ctx context.Context) error {
			<-ctx.Done()
			return errLost
		}, []string{"began", "too_long"}, "follow it: lost sight of it", time.Hour},
		"a bug": {func(context.Context) error { panic("a bug") }, []string{"began", "failed"}, "panic: a bug", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				p := r.pool(1)
				start := time.Now()
				if err := p.Watch(t.Context(), begins(tt.follow)); err != nil {
					t.Fatal(err)
				}
				if left := p.Drain(context.Background()); left != 0 || time.Since(start) != tt.took {
					t.Errorf("%d watches were given up after %v", left, time.Since(start))
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

// A watch goes on when its delivery's context has ended.
func TestOutlivesItsDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := r.pool(1)
		ctx, cancel := context.WithCancel(t.Context())
		err := p.Watch(ctx, begins(func(ctx context.Context) error {
			time.Sleep(time.Minute)
			return ctx.Err()
		}))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		p.Drain(context.Background())
		if diff := cmp.Diff([]string{"began", "ended"}, r.all()); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	})
}

// What is still under way when the drain ends has its last word, and no more.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := r.pool(3)
		var said atomic.Int32
		for _, last := range []time.Duration{0, action.LastWord / 2, 2 * action.LastWord} {
			err := p.Watch(t.Context(), begins(func(ctx context.Context) error {
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
		if left := p.Drain(ctx); left != 3 || said.Load() != 2 || time.Since(start) != 15*time.Minute+action.LastWord {
			t.Errorf("%d were given up, %d of them had their say, after %v", left, said.Load(), time.Since(start))
		}
		if err := p.Watch(t.Context(), begins(untilTold)); action.KindOf(err) != action.Unavailable || action.MessageOf(err) != "The hub is stopping. Try again in a moment." {
			t.Errorf("a watch while the hub stops: %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"began", "began", "began", "given_up", "given_up", "refused", "given_up"}, r.all()); diff != "" {
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
		nothing := func(context.Context) (action.Watch, error) { return action.Watch{}, errLost }
		if err := p.Watch(t.Context(), nothing); !errors.Is(err, errLost) {
			t.Fatalf("what did not begin: %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = p.Watch(t.Context(), func(context.Context) (action.Watch, error) { panic("a bug") })
		}()
		release := make(chan struct{})
		if err := p.Watch(t.Context(), begins(func(context.Context) error { <-release; return nil })); err != nil {
			t.Fatal(err)
		}
		began := false
		err := p.Watch(t.Context(), func(context.Context) (action.Watch, error) { began = true; return action.Watch{}, nil })
		if began || action.KindOf(err) != action.RateLimited || action.MessageOf(err) != "The hub follows as many jobs as it is set to (1). Try again later." {
			t.Errorf("without a place: began %t, %v", began, err)
		}
		close(release)
		synctest.Wait()
		if err := p.Watch(t.Context(), begins(func(context.Context) error { return nil })); err != nil {
			t.Errorf("with a place again: %v", err)
		}
		p.Drain(context.Background())
		if diff := cmp.Diff([]string{"began", "refused", "ended", "began", "ended"}, r.all()); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	})
}
