package main

import (
	"context"
	"time"
)

// maxInlineCPU is what such a delivery may cost, TLS on both sides included.
const maxInlineCPU = 1500 * time.Millisecond

// inline measures results of 200 MB inside the envelope, delivered to a webhook.
func (b *benchmark) inline(ctx context.Context) error {
	const size, most = 200e6, 64 * mib
	return b.withHub(ctx, hubOptions{program: b.serve()}, func(h *hubProcess) error {
		for _, f := range []format{csvFormat, jsonFormat, xlsxFormat, pdfFormat} {
			if err := h.resetPeak(); err != nil {
				return err
			}
			id := "inline-" + f.name
			d := newDocument(f, size, id)
			begin, spent := time.Now(), h.cpuTime()
			out, err := h.execute(ctx, b.client, delivery{
				integration: "tray", form: map[string]string{"url": b.receiver.hook(id, "")}, document: &d,
			})
			took, cpu := time.Since(begin), h.cpuTime()-spent
			if err != nil {
				return err
			}
			want := d.digest()
			if err := b.check(id, want, out); err != nil {
				return err
			}
			peak := h.memory("VmHWM")
			b.add(peak <= most, "200 MB of "+f.name+" inline to a webhook: peak memory", "<= 64 MiB",
				"%.1f MiB at %.0f MB/s", inMiB(peak), mbps(want.Size, took))
			b.add(cpu <= maxInlineCPU, "… processor time", "<= 1.5 s", "%.2f s", cpu.Seconds())
		}
		return nil
	})
}
