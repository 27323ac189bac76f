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

// soaking is one run of soak: two hubs under the same mixed load. One is left alone, to see
// whether it ends as it began; the other is killed and stopped again and again.
type soaking struct {
	*site
	store   *badStore // nil without the program for it
	seed    uint64
	workers int
	next    atomic.Int64

	mu     sync.Mutex
	counts map[string]int
	broken []error
	// ended are the deliveries whose hub was killed: nobody cleared up after them.
	ended map[string]bool
}

// The waits of the hubs are short, so that faults that stall do not stall the soak.
var soakEnv = map[string]string{
	"ACTION_HUB_STREAM_REQUEST_TIMEOUT": "2000",
	"ACTION_HUB_DELIVERY_TIMEOUT":       "4s",
	"ACTION_HUB_JSON_KEEPALIVE_SEC":     "1",
	"ACTION_HUB_PPROF":                  "true",
}

// environment is that of every hub.
func (s *soaking) environment() map[string]string {
	env := maps.Clone(soakEnv)
	if s.store != nil {
		maps.Copy(env, s.store.environment())
	}
	return env
}

// cleared sees that no delivery left parts in the store, but for those whose hub was killed:
// only the bucket's own rules can clear those.
func (s *soaking) cleared(ctx context.Context) error {
	if s.store == nil {
		return nil
	}
	left, err := s.store.left(ctx)
	for _, id := range left {
		if !s.ended[id] {
			s.breaks(fmt.Errorf("%s left parts of an object; the hub said:%s", id, s.said(id)))
		}
	}
	fmt.Fprintf(os.Stderr, "%d uploads with parts lie about in the store, all of hubs that were killed unless told otherwise\n", len(left))
	return err
}

const mostBroken = 20 // that are kept to be printed

func soak(ctx context.Context, args []string) error {
	s := &soaking{counts: map[string]int{}, ended: map[string]bool{}}
	flags := flag.NewFlagSet("load soak", flag.ContinueOnError)
	program := flags.String("hub", "", "the hub's program; without one it is built")
	gateway := flags.String("versitygw", "", "the program versitygw; with it, every fourth delivery goes into S3")
	duration := flags.Duration("duration", 10*time.Minute, "how long to deliver")
	flags.IntVar(&s.workers, "workers", 12, "deliveries at once, to each of two hubs")
	flags.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "which deliveries and faults to choose")
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
	fmt.Fprintf(os.Stderr, "soaking for %s, seed %d\n", *duration, s.seed)
	return s.withHub(ctx, hubOptions{program: s.serve(), env: s.environment()}, func(h *hubProcess) error {
		return s.run(ctx, h, *duration)
	})
}

func (s *soaking) run(ctx context.Context, survivor *hubProcess, duration time.Duration) error {
	// What a hub grows into once is no leak: the first deliveries are not counted.
	warm, cancel := context.WithTimeout(ctx, min(duration/4, 20*time.Second))
	s.load(warm, func() *incarnation { return &incarnation{hub: survivor} })
	cancel()
	before, err := s.settle(ctx, survivor)
	if err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(ctx, duration)
	defer cancel()
	victims, err := s.startVictims(ctx)
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	wait.Go(func() { s.load(ctx, func() *incarnation { return &incarnation{hub: survivor} }) })
	wait.Go(func() { s.load(ctx, victims.current) })
	wait.Go(func() { victims.torment(ctx) })
	wait.Wait()
	victims.current().hub.stop(syscall.SIGKILL)
	after, err := s.settle(context.WithoutCancel(ctx), survivor)
	if err != nil {
		return err
	}
	s.compare(before, after)
	if err := s.cleared(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return s.summary(victims)
}

// load delivers until ctx ends, and lets what is under way end.
func (s *soaking) load(ctx context.Context, target func() *incarnation) {
	var wait sync.WaitGroup
	for range s.workers {
		wait.Go(func() {
			for ctx.Err() == nil {
				id := s.next.Add(1)
				random := rand.New(rand.NewPCG(s.seed, uint64(id))) //nolint:gosec // load, no secrets; ids are positive
				s.deliverOne(context.WithoutCancel(ctx), target(), newCase(random, fmt.Sprintf("d%d", id)))
			}
		})
	}
	wait.Wait()
}

// vitals are what must not grow.
type vitals struct {
	goroutines, memory, spool float64
}

// settle waits until the hub has nothing to do, and reads its vitals. Connections that are
// kept are closed first: each of them has goroutines.
func (s *soaking) settle(ctx context.Context, h *hubProcess) (vitals, error) {
	s.client.CloseIdleConnections()
	s.receiver.closeIdle()
	var v vitals
	for range 100 {
		var err error
		if v, err = s.vitals(ctx, h); err != nil {
			return v, err
		}
		if v.spool == 0 && v.goroutines <= restGoroutines {
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

// restGoroutines is what a hub has at most while it does nothing.
const restGoroutines = 40

func (s *soaking) vitals(ctx context.Context, h *hubProcess) (v vitals, err error) {
	// How much garbage lies about is the collector's choice. What a pool keeps outlives one
	// collection.
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

// compare says whether the survivor ended as it began.
func (s *soaking) compare(before, after vitals) {
	const slack = 4 * mib // what is remembered for a time, such as connections to come
	fmt.Fprintf(os.Stderr, "the surviving hub: %.0f goroutines before and %.0f after, %.1f MiB and %.1f MiB of live memory, %.0f and %.0f bytes of spool\n",
		before.goroutines, after.goroutines, before.memory/mib, after.memory/mib, before.spool, after.spool)
	if after.spool != 0 {
		s.breaks(fmt.Errorf("%.0f bytes stayed in the surviving hub's spool", after.spool))
	}
	if after.goroutines > max(before.goroutines+2, restGoroutines) {
		s.breaks(fmt.Errorf("goroutines of the surviving hub grew from %.0f to %.0f", before.goroutines, after.goroutines))
	}
	if after.memory > before.memory+slack {
		s.breaks(fmt.Errorf("live memory of the surviving hub grew from %.1f to %.1f MiB", before.memory/mib, after.memory/mib))
	}
}

func (s *soaking) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

func (s *soaking) breaks(err error) {
	s.count("INVARIANT BROKEN")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.broken) < mostBroken {
		s.broken = append(s.broken, err)
	}
}

// summary prints what was done, and returns what was broken.
func (s *soaking) summary(v *victims) error {
	fmt.Fprintf(os.Stdout, "%d deliveries; hubs killed: %d, drained: %d\n", s.next.Load(), v.killed, v.drained)
	for _, what := range sortedKeys(s.counts) {
		fmt.Fprintf(os.Stdout, "%8d  %s\n", s.counts[what], what)
	}
	if len(s.broken) == 0 {
		fmt.Fprintln(os.Stdout, "Every delivery that was answered as success is whole at the receiver, once.")
	}
	return errors.Join(s.broken...)
}
