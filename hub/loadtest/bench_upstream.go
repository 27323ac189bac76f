package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// upstream measures deliveries that a hub passes to another one, beside deliveries to that one directly.
func (b *benchmark) upstream(ctx context.Context) error {
	return b.withHub(ctx, hubOptions{program: b.serve()}, func(behind *hubProcess) error {
		tokenFile := filepath.Join(b.dir, "upstream-token")
		if err := os.WriteFile(tokenFile, []byte(behind.token), 0o600); err != nil {
			return fmt.Errorf("writing the token: %w", err)
		}
		upstreams, err := json.Marshal([]map[string]any{{
			"name": "behind", "url": behind.url, "tokenFile": tokenFile, "prefix": "behind_", "integrations": []string{"tray"},
		}})
		if err != nil {
			return fmt.Errorf("encoding the setting: %w", err)
		}
		if err := b.throughHubs(ctx, behind, "tray", "directly"); err != nil {
			return err
		}
		return b.withHub(ctx, hubOptions{program: b.serve(), env: map[string]string{"ACTION_HUB_UPSTREAMS": string(upstreams)}}, func(h *hubProcess) error {
			return b.throughHubs(ctx, h, "behind_tray", "through an upstream")
		})
	})
}

// throughHubs measures small deliveries and a large one inside its envelope.
func (b *benchmark) throughHubs(ctx context.Context, h *hubProcess, integration, how string) error {
	body, err := smallEnvelope(map[string]string{"url": b.receiver.url + "/hook"})
	if err != nil {
		return err
	}
	r, err := b.measureRate(ctx, h, "/actions/"+integration+"/execute", body, `"success":true`)
	if err != nil {
		return fmt.Errorf("%s: %w", how, err)
	}
	b.note("small executes "+how+", TLS", "%s", r)
	if err := h.resetPeak(); err != nil {
		return fmt.Errorf("resetting the peak: %w", err)
	}
	const size = 200 << 20
	id := "upstream-" + integration
	d := newDocument(csvFormat, size, id)
	begin, used := time.Now(), h.cpuTime()
	out, err := h.execute(ctx, b.client, delivery{integration: integration, form: map[string]string{"url": b.receiver.hook(id, "")}, document: &d})
	if err != nil {
		return fmt.Errorf("%s: %w", how, err)
	}
	want := d.digest()
	rate := mbps(want.Size, time.Since(begin))
	if err := b.check(id, want, out); err != nil {
		return fmt.Errorf("%s: %w", how, err)
	}
	b.note("200 MB csv in its request "+how, "%.0f MB/s, %s CPU, peak memory of the hub %.1f MiB", rate, h.cpuTime()-used, inMiB(h.memory("VmHWM")))
	return nil
}

// smallEnvelope is a small delivery.
func smallEnvelope(form map[string]string) (string, error) {
	values, err := json.Marshal(form)
	if err != nil {
		return "", fmt.Errorf("encoding the form: %w", err)
	}
	return `{"type":"query","scheduled_plan":{"title":"Orders","type":"Look"},"data":{},"form_params":` + string(values) +
		`,"attachment":{"mimetype":"text/csv","extension":"csv","data":"a,b\n1,2\n"}}`, nil
}
