package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// process is one process of a target hub and how it was ended.
type process struct {
	hub *hubProcess
	// killed and drained are set before the signal is sent.
	killed, drained atomic.Bool
}

// targets are hubs that run one after another at the same address.
type targets struct {
	site    *site
	options hubOptions

	// mu is held while no hub is running, so that no delivery starts then.
	mu  sync.Mutex
	now *process

	killed, drained int
	failed          func(error)
}

const lifetime = 3 * time.Second

func (s *soakRun) startTargets(ctx context.Context) (*targets, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	v := &targets{site: s.site, options: hubOptions{program: s.serve(), address: address, env: s.environment()}, failed: s.breaks}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v, v.replace(ctx)
}

func (v *targets) current() *process {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// replace starts the next hub. The previous one must have ended, because they share an address.
func (v *targets) replace(ctx context.Context) error {
	h, err := v.site.startHub(ctx, v.options)
	if err != nil {
		return err
	}
	v.now = &process{hub: h}
	return h.ready(ctx, v.site.client)
}

// injectFailures kills and stops the hubs alternately until ctx ends.
func (v *targets) injectFailures(ctx context.Context) {
	for n := 0; ; n++ {
		select {
		case <-time.After(lifetime):
		case <-ctx.Done():
			return
		}
		if err := v.restart(context.WithoutCancel(ctx), n%2 == 0); err != nil {
			v.failed(fmt.Errorf("restarting a hub: %w", err))
			return
		}
	}
}

// restart ends the current hub while deliveries are running and starts the next one.
func (v *targets) restart(ctx context.Context, kill bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if kill {
		v.killed++
		v.now.killed.Store(true)
		v.now.hub.stop(syscall.SIGKILL)
	} else {
		v.drained++
		v.now.drained.Store(true)
		v.now.hub.stop(syscall.SIGTERM)
	}
	return v.replace(ctx)
}
