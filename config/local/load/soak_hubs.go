package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// incarnation is one process of a hub, and how it was ended.
type incarnation struct {
	hub *hubProcess
	// killed and drained are set before the signal is sent.
	killed, drained atomic.Bool
}

// victims are the hubs that follow each other at one address.
type victims struct {
	site    *site
	options hubOptions

	// mu is held while there is no hub: no delivery is tried without one.
	mu  sync.Mutex
	now *incarnation

	killed, drained int
	failed          func(error)
}

const lifetime = 3 * time.Second

func (s *soaking) startVictims(ctx context.Context) (*victims, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	v := &victims{site: s.site, options: hubOptions{program: s.serve(), address: address, env: s.environment()}, failed: s.breaks}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v, v.replace(ctx)
}

func (v *victims) current() *incarnation {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// replace starts the next hub. The address is free once the one before is gone.
func (v *victims) replace(ctx context.Context) error {
	h, err := v.site.startHub(ctx, v.options)
	if err != nil {
		return err
	}
	v.now = &incarnation{hub: h}
	return h.ready(ctx, v.site.client)
}

// torment kills each hub, or asks it to stop, in turn.
func (v *victims) torment(ctx context.Context) {
	for n := 0; ; n++ {
		select {
		case <-time.After(lifetime):
		case <-ctx.Done():
			return
		}
		if err := v.succeed(context.WithoutCancel(ctx), n%2 == 0); err != nil {
			v.failed(fmt.Errorf("starting a hub after one that was ended: %w", err))
			return
		}
	}
}

// succeed ends the hub of now, with deliveries under way, and puts the next in its place.
func (v *victims) succeed(ctx context.Context, kill bool) error {
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
