package main

import (
	"context"
	"time"
)

// start measures a hub that starts, and one that has nothing to do.
func (b *benchmark) start(ctx context.Context) error {
	const times = 5
	best := time.Hour
	for range times {
		begin := time.Now()
		err := b.withHub(ctx, hubOptions{program: []string{b.program, "serve"}, plain: true}, func(*hubProcess) error {
			best = min(best, time.Since(begin))
			return nil
		})
		if err != nil {
			return err
		}
	}
	b.add(best < 100*time.Millisecond, "start to the first answer, best of 5", "< 100 ms", "%d ms", best.Milliseconds())
	return b.withHub(ctx, hubOptions{program: []string{b.program, "serve"}, plain: true}, func(h *hubProcess) error {
		select { // the hub answers before it releases what only the start needed
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
		idle := h.memory("VmRSS")
		b.add(idle <= 28*mib, "memory of an idle hub", "<= 28 MiB", "%.1f MiB", inMiB(idle))
		return nil
	})
}
