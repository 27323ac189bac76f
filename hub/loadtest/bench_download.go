package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"
)

// download measures 1 GB from Looker's download address to a webhook, and the same by a
// bare copy in Go, which is what this machine can do at best.
func (b *benchmark) download(ctx context.Context) error {
	const size, target, most = 1e9, 500, 64 * mib
	d := newDocument(csvFormat, size, "download")
	want := d.digest()

	limit, err := b.bareCopy(ctx, d)
	if err != nil {
		return err
	}
	b.note("1 GB csv by a bare Go copy, TLS at both ends", "%.0f MB/s", limit)
	return b.withHub(ctx, hubOptions{program: b.serve()}, func(h *hubProcess) error {
		begin := time.Now()
		out, err := h.execute(ctx, b.client, delivery{
			integration: "tray", form: map[string]string{"url": b.receiver.hook("hub", "")}, downloadURL: b.receiver.offer("hub", d, ""),
		})
		rate := mbps(want.Size, time.Since(begin))
		if err != nil {
			return err
		}
		if err := b.check("hub", want, out); err != nil {
			return err
		}
		const near = 0.9
		b.add(rate >= target || rate >= near*limit, "1 GB csv by download to a webhook", "500 MB/s or 90 % of bare", "%.0f MB/s", rate)
		peak := h.memory("VmHWM")
		b.add(peak <= most, "… its peak memory", "<= 64 MiB", "%.1f MiB", inMiB(peak))
		return nil
	})
}

// bareCopy fetches and posts as a hub must, without being one.
func (b *benchmark) bareCopy(ctx context.Context, d document) (float64, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: b.cert.roots, MinVersion: tls.VersionTLS12}}}
	begin := time.Now()
	get, err := http.NewRequestWithContext(ctx, http.MethodGet, b.receiver.offer("bare", d, ""), nil)
	if err != nil {
		return 0, err
	}
	from, err := client.Do(get)
	if err != nil {
		return 0, fmt.Errorf("fetching: %w", err)
	}
	defer from.Body.Close()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, b.receiver.hook("bare", ""), from.Body)
	if err != nil {
		return 0, err
	}
	to, err := client.Do(post)
	if err != nil {
		return 0, fmt.Errorf("posting: %w", err)
	}
	_ = to.Body.Close()
	took := time.Since(begin)
	want := d.digest()
	return mbps(want.Size, took), b.check("bare", want, outcome{Success: true})
}
