package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// manyIntegrations is the maximum of a hub.
const manyIntegrations = 200

// integrationFile is a no-code integration that passes a file on, with a form and rows of its own beside it.
const integrationFile = `apiVersion: hub.integrationhub.dev/v1alpha1
kind: HTTPIntegration
metadata: {name: bench-%03[1]d}
spec:
  label: Bench %[1]d
  description: Sends a result to a receiver on this machine.
  types: [query]
  form:
  - {name: id, label: ID}
  request:
    url: '%[2]s/hook'
    query: {id: '${form.id}'}
    body: {file: {}}
`

// integrationsFolder writes no-code integrations, and returns their folder.
func (b *benchmark) integrationsFolder(n int) (string, error) {
	dir, err := os.MkdirTemp(b.dir, "integrations-")
	if err != nil {
		return "", fmt.Errorf("making a folder: %w", err)
	}
	for i := range n {
		text := fmt.Sprintf(integrationFile, i, b.receiver.url)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("bench-%03d.yaml", i)), []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("writing an integration: %w", err)
		}
	}
	return dir, nil
}

// custom measures a hub with as many no-code integrations as it can have, and what one costs beside
// tray. Tray passes data on as it arrives; an HTTPIntegration stores a file first, so that incomplete data is never sent.
func (b *benchmark) custom(ctx context.Context) error {
	dir, err := b.integrationsFolder(manyIntegrations)
	if err != nil {
		return err
	}
	many := hubOptions{program: []string{b.program, "serve"}, plain: true, env: map[string]string{"ACTION_HUB_INTEGRATIONS_DIR": dir}}
	best := time.Hour
	for range 5 {
		begin := time.Now()
		err := b.withHub(ctx, many, func(*hubProcess) error {
			best = min(best, time.Since(begin))
			return nil
		})
		if err != nil {
			return err
		}
	}
	b.note(fmt.Sprintf("start to the first answer with %d HTTPIntegrations, best of 5", manyIntegrations), "%d ms", best.Milliseconds())
	err = b.withHub(ctx, many, func(h *hubProcess) error {
		b.note("… memory of the idle hub", "%.1f MiB", inMiB(h.memory("VmRSS")))
		r, err := b.measureRate(ctx, h, "/", "{}", `"name":"custom_bench_199"`)
		if err == nil {
			b.note("… lists, plain HTTP", "%s", r)
		}
		return err
	})
	if err != nil {
		return err
	}
	one, err := b.integrationsFolder(1)
	if err != nil {
		return err
	}
	for _, m := range []struct {
		what, integration string
		form              func(id string) map[string]string
	}{
		{"tray, which stores nothing", "tray", func(id string) map[string]string { return map[string]string{"url": b.receiver.hook(id, "")} }},
		{"an HTTPIntegration", "custom_bench_000", func(id string) map[string]string { return map[string]string{"id": id} }},
	} {
		err := b.withHub(ctx, hubOptions{program: b.serve(), env: map[string]string{"ACTION_HUB_INTEGRATIONS_DIR": one}}, func(h *hubProcess) error {
			return b.compare(ctx, h, m.what, m.integration, m.form)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", m.what, err)
		}
	}
	return nil
}

// compare measures small deliveries and a large one. The receiver does not remember deliveries without an
// identifier.
func (b *benchmark) compare(ctx context.Context, h *hubProcess, what, integration string, form func(id string) map[string]string) error {
	body, err := smallEnvelope(form(""))
	if err != nil {
		return err
	}
	r, err := b.measureRate(ctx, h, "/actions/"+integration+"/execute", body, `"success":true`)
	if err != nil {
		return err
	}
	b.note("small executes by "+what+", TLS", "%s", r)
	d := newDocument(csvFormat, 1e9, integration)
	want := d.digest()
	begin, used := time.Now(), h.cpuTime()
	out, err := h.execute(ctx, b.client, delivery{integration: integration, form: form(integration), downloadURL: b.receiver.offer(integration, d, "")})
	took := time.Since(begin)
	if err == nil {
		err = b.check(integration, want, out)
	}
	if err == nil {
		b.note("1 GB csv by download to "+what, "%.0f MB/s, %s CPU, peak memory %.1f MiB", mbps(want.Size, took), h.cpuTime()-used, inMiB(h.memory("VmHWM")))
	}
	return err
}
