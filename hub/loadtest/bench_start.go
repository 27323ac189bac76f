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
		// Pages of the program that are mapped count as its memory, but the node can drop them at any time, and
		// Kubernetes' working set leaves them out.
		b.add(idle <= 28*mib, "memory of an idle hub", "<= 28 MiB", "%.1f MiB, of which %.1f MiB are pages of the program",
			inMiB(idle), inMiB(h.memory("RssFile")))
		return nil
	})
}
