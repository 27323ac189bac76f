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
	return b.idle(ctx)
}

// idle measures the memory of a hub that has nothing to do: what Kubernetes counts, and all pages that are mapped.
// Those of the program are shared by all hubs of a node, and can be dropped at any time.
func (b *benchmark) idle(ctx context.Context) error {
	program := []string{b.program, "serve"}
	group, err := newMemoryGroup()
	if err == nil {
		defer group.close()
		program = group.run(program...)
		err = dropFromCache(ctx, b.program)
	}
	return b.withHub(ctx, hubOptions{program: program, plain: true}, func(h *hubProcess) error {
		select { // the hub answers before it releases what only the start needed
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
		var set int64
		if err == nil {
			set, err = group.workingSet()
		}
		const name = "memory of an idle hub, as Kubernetes counts it"
		if err == nil {
			b.add(set <= 28*mib, name, "<= 28 MiB", "%.1f MiB", inMiB(set))
		} else {
			b.note(name, "not measured: %v", err)
		}
		b.note("… all of its mapped pages", "%.1f MiB, of which %.1f MiB are pages of the program", inMiB(h.memory("VmRSS")), inMiB(h.memory("RssFile")))
		return nil
	})
}
