package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// soakRun is one run of soak: two hubs under the same mixed load. The control runs without
// interruption and must not grow; the targets are killed or stopped every few seconds.
type soakRun struct {
	*site
	store   *badStore // nil without the program for it
	vendors *badVendors
	seed    uint64
	workers int
	next    atomic.Int64

	mu     sync.Mutex
	counts map[string]int
	broken []error
	// ended are the deliveries whose hub was killed, so that nothing cleaned up after them.
	ended map[string]bool
}

// The timeouts are short so that a stalled request does not stall the run.
var soakEnv = map[string]string{
	"ACTION_HUB_STREAM_REQUEST_TIMEOUT": "2000",
	"ACTION_HUB_DELIVERY_TIMEOUT":       deliveryTimeout.String(),
	// Longer than a delivery and shorter than a job, so that some jobs are interrupted.
	"ACTION_HUB_DRAIN_TIMEOUT":      "8s",
	"ACTION_HUB_JSON_KEEPALIVE_SEC": "1",
	"ACTION_HUB_PPROF":              "true",
}

// environment returns the environment of every hub.
func (s *soakRun) environment() map[string]string {
	env := maps.Clone(soakEnv)
	maps.Copy(env, s.vendors.environment())
	if s.store != nil {
		maps.Copy(env, s.store.environment())
	}
	return env
}

// cleared checks that no delivery left parts of an object in the store, except those whose hub
// was killed: only a lifecycle rule of the bucket can remove those.
func (s *soakRun) cleared(ctx context.Context) error {
	if s.store == nil {
		return nil
	}
	left, err := s.store.left(ctx)
	for _, id := range left {
		if !s.ended[id] {
			s.breaks(fmt.Errorf("%s left parts of an object; the hub said:%s", id, s.said(id)))
		}
	}
	fmt.Fprintf(os.Stderr, "%d incomplete uploads are left in the store, all of killed hubs unless reported otherwise\n", len(left))
	return err
}

const maxBroken = 20 // the maximum number of errors to print

func soak(ctx context.Context, args []string) error {
	s := &soakRun{counts: map[string]int{}, ended: map[string]bool{}}
	flags := flag.NewFlagSet("loadtest soak", flag.ContinueOnError)
	program := flags.String("hub", "", "the hub's program; without one it is built")
	gateway := flags.String("versitygw", "", "the program versitygw; with it, every fourth delivery goes into S3")
	duration := flags.Duration("duration", 10*time.Minute, "how long to deliver")
	flags.IntVar(&s.workers, "workers", 12, "deliveries at once, to each of two hubs")
	flags.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "which deliveries and faults to choose")
	delivery := flags.Int64("delivery", 0, "make only this delivery of the seed, to a hub that is not stopped")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if s.site, err = newSite(ctx, *program); err != nil {
		return err
	}
	defer s.close()
	if *gateway != "" {
		if s.store, err = s.startBadStore(ctx, *gateway); err != nil {
			return err
		}
		defer s.store.close()
	}
	if s.vendors, err = startBadVendors(ctx, s.cert, s.seed); err != nil {
		return err
	}
	defer s.vendors.close()
	fmt.Fprintf(os.Stderr, "soak for %s, seed %d\n", *duration, s.seed)
	return s.withHub(ctx, hubOptions{program: s.serve(), env: s.environment()}, func(h *hubProcess) error {
		if *delivery > 0 {
			return s.replay(ctx, h, *delivery)
		}
		return s.run(ctx, h, *duration)
	})
}

// replay makes one delivery of a seed again.
func (s *soakRun) replay(ctx context.Context, h *hubProcess, number int64) error {
	c := s.newCase(number)
	fmt.Fprintln(os.Stderr, "replaying", c)
	s.deliverOne(ctx, &process{hub: h}, c)
	if err := errors.Join(s.endJobs(ctx, h), s.judgeJobs()); err != nil {
		return err
	}
	for what := range s.counts {
		fmt.Fprintln(os.Stdout, what)
	}
	return errors.Join(s.broken...)
}

// newCase chooses a delivery by its number and the seed alone, so that it can be replayed.
func (s *soakRun) newCase(number int64) soakCase {
	random := rand.New(rand.NewPCG(s.seed, uint64(number))) //nolint:gosec // load, no secrets; numbers are positive
	return newCase(random, fmt.Sprintf("d%d", number))
}

func (s *soakRun) run(ctx context.Context, control *hubProcess, duration time.Duration) error {
	// The first deliveries warm up caches and pools, which are not leaks.
	warm, cancel := context.WithTimeout(ctx, min(duration/4, 20*time.Second))
	s.load(warm, func() *process { return &process{hub: control} })
	cancel()
	before, err := s.settle(ctx, control)
	if err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(ctx, duration)
	defer cancel()
	targets, err := s.startTargets(ctx)
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	wait.Go(func() { s.load(ctx, func() *process { return &process{hub: control} }) })
	wait.Go(func() { s.load(ctx, targets.current) })
	wait.Go(func() { targets.injectFailures(ctx) })
	wait.Wait()
	targets.current().killed.Store(true)
	targets.current().hub.stop(syscall.SIGKILL)
	after, err := s.settle(context.WithoutCancel(ctx), control)
	if err != nil {
		return err
	}
	s.compare(before, after)
	if err := s.judgeJobs(); err != nil {
		return err
	}
	for _, id := range s.vendors.late() {
		s.breaks(fmt.Errorf("%s: a vendor got a call after the hub had answered", id))
	}
	if err := s.cleared(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return s.summary(targets)
}

// load delivers until ctx ends and waits for running deliveries.
func (s *soakRun) load(ctx context.Context, target func() *process) {
	var wait sync.WaitGroup
	for range s.workers {
		wait.Go(func() {
			for ctx.Err() == nil {
				s.deliverOne(context.WithoutCancel(ctx), target(), s.newCase(s.next.Add(1)))
			}
		})
	}
	wait.Wait()
}

// gauges are the measurements that must not grow.
type gauges struct {
	goroutines, memory, spool float64
}

// settle waits until the hub is idle and reads its gauges. Idle connections are closed first,
// because each of them has goroutines.
func (s *soakRun) settle(ctx context.Context, h *hubProcess) (gauges, error) {
	if err := s.endJobs(ctx, h); err != nil {
		return gauges{}, err
	}
	s.client.CloseIdleConnections()
	s.receiver.closeIdle()
	s.vendors.closeConnections()
	var v gauges
	for range 100 {
		var err error
		if v, err = s.gauges(ctx, h); err != nil {
			return v, err
		}
		if v.spool == 0 && v.goroutines <= idleGoroutines {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
	return v, nil
}

// idleGoroutines is the maximum number of goroutines of an idle hub.
const idleGoroutines = 40

func (s *soakRun) gauges(ctx context.Context, h *hubProcess) (v gauges, err error) {
	// A sync.Pool keeps its values for one collection, so two are needed.
	for range 2 {
		if err := h.collect(ctx); err != nil {
			return v, err
		}
	}
	for name, into := range map[string]*float64{
		"go_goroutines": &v.goroutines, "go_memstats_heap_alloc_bytes": &v.memory, "integrationhub_spool_bytes": &v.spool,
	} {
		if *into, err = h.metric(ctx, name); err != nil {
			return v, err
		}
	}
	return v, nil
}

// compare checks that the control hub did not grow.
func (s *soakRun) compare(before, after gauges) {
	const slack = 4 * mib // for caches that expire
	fmt.Fprintf(os.Stderr, "the control hub: %.0f goroutines before and %.0f after, "+
		"%.1f MiB and %.1f MiB of live memory, %.0f and %.0f bytes of spool\n",
		before.goroutines, after.goroutines, before.memory/mib, after.memory/mib, before.spool, after.spool)
	if after.spool != 0 {
		s.breaks(fmt.Errorf("%.0f bytes stayed in the control hub's spool", after.spool))
	}
	if after.goroutines > max(before.goroutines+2, idleGoroutines) {
		s.breaks(fmt.Errorf("goroutines of the control hub grew from %.0f to %.0f", before.goroutines, after.goroutines))
	}
	if after.memory > before.memory+slack {
		s.breaks(fmt.Errorf("live memory of the control hub grew from %.1f to %.1f MiB", before.memory/mib, after.memory/mib))
	}
}

func (s *soakRun) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

func (s *soakRun) breaks(err error) {
	s.count("INVARIANT VIOLATED")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.broken) < maxBroken {
		s.broken = append(s.broken, err)
	}
}

// summary prints the counts and returns the violations.
func (s *soakRun) summary(v *targets) error {
	fmt.Fprintf(os.Stdout, "%d deliveries; hubs killed: %d, drained: %d\n", s.next.Load(), v.killed, v.drained)
	for _, what := range sortedKeys(s.counts) {
		fmt.Fprintf(os.Stdout, "%8d  %s\n", s.counts[what], what)
	}
	if len(s.broken) == 0 {
		fmt.Fprintln(os.Stdout, "Every delivery that was reported as successful arrived complete, exactly once.")
	}
	return errors.Join(s.broken...)
}
