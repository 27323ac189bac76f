package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// rowsHub is the command that runs a hub with the one integration rowPoster.
const rowsHub = "rows-hub"

// rows measures what a row integration makes of 100 MB of json_detail inside the envelope, and
// of a million rows for a destination that takes its time. The real ones are held back by
// their destinations (Airtable takes 50 rows a second), so a hub with an integration of this
// program's own runs here.
func (b *benchmark) rows(ctx context.Context) error {
	const (
		size, most = 100e6, 3 * time.Second
		million    = 1_000_000
	)
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	program := []string{self, rowsHub}
	err = b.withHub(ctx, hubOptions{program: program}, func(h *hubProcess) error {
		took, n, _, err := b.deliverRows(ctx, h, newDocument(jsonFormat, size, "rows"), "rows", 0)
		if err == nil {
			b.add(took <= most, "100 MB json_detail inline, row by row in batches of 500", "<= 3 s", "%.2f s, %d rows, peak memory %.1f MiB",
				took.Seconds(), n, inMiB(h.memory("VmHWM")))
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.withHub(ctx, hubOptions{program: program}, func(h *hubProcess) error {
		d := newDocument(jsonFormat, million*int64(len(detailRow(0)))*11/10, "million") // rows grow a little
		took, n, said, err := b.deliverRows(ctx, h, d, "million", 20*time.Millisecond)
		if err == nil {
			memory := h.memory("VmHWM")
			b.add(n >= million && memory <= 96*mib, "a million rows to a destination that takes 20 ms a call", "<= 96 MiB",
				"%.0f rows/s, %s, peak memory %.1f MiB",
				float64(n)/took.Seconds(), said, inMiB(memory))
		}
		return err
	})
}

// deliverRows delivers a document's rows, each call of which the receiver answers after a
// while, and returns how long it took, the rows that arrived and what the hub said.
func (b *benchmark) deliverRows(
	ctx context.Context, h *hubProcess, d document, id string, after time.Duration,
) (took time.Duration, n int, said string, err error) {
	begin := time.Now()
	out, err := h.execute(ctx, b.client, delivery{
		integration: "rows", form: map[string]string{"url": fmt.Sprintf("%s/lines?id=%s&after=%s", b.receiver.url, id, after)}, document: &d,
	})
	took = time.Since(begin)
	if err != nil {
		return took, 0, "", err
	}
	var got lineDigest
	for _, a := range b.receiver.arrived(id) {
		got.lines += a.lines.lines
		got.sum += a.lines.sum
	}
	want := d.lines()
	if !out.Success || got != want {
		return took, 0, "", fmt.Errorf("answered %+v; %+v arrived, want %+v", out, got, want)
	}
	return took, got.lines, out.Message, nil
}

// lines are the rows of a json_detail document as rowPoster sends them.
func (d document) lines() lineDigest {
	var l lineDigest
	for block := range d.blocks {
		for i := range detailRows {
			l.add(fmt.Appendf(nil, "\"%0*d-%03d\"\t\"2026-11-23\"\t\"Zoë \\\"Z\\\" O'Neill\\n\"\t%d.50\n", stampDigits, block, i, i))
		}
	}
	return l
}

// serveRows runs the hub with rowPoster.
func serveRows(ctx context.Context, _ []string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	env := map[string]string{}
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	cfg, err := config.Load(env)
	if err != nil {
		return err
	}
	return hub.Run(ctx, hub.Options{
		Config: cfg, Env: env, AllowLoopback: true, Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		Integrations: []action.Registration{{
			Name: "rows", New: func(deps action.Deps) (action.Integration, error) { return &rowPoster{deps.HTTP}, nil },
		}},
	})
}

// rowPoster sends rows in batches, a line each: the JSON of the values, between tabs.
type rowPoster struct {
	http *http.Client
}

// Definition implements [action.Integration].
func (*rowPoster) Definition() action.Definition {
	return action.Definition{
		Name: "rows", Label: "Rows", Description: "Posts rows.", Types: []action.Type{action.TypeQuery},
		Formats: []action.Format{action.JSONDetail}, Download: action.Push, MinVersion: action.V(5, 5, 0),
	}
}

// Execute implements [action.Integration].
func (p *rowPoster) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	table, err := req.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	const atOnce = 4
	var waited atomic.Int64 // nanoseconds, of all calls
	begin := time.Now()
	o := deliver.Options[[]byte]{Size: 500, Concurrency: atOnce}
	account := deliver.Batches(ctx, lines(table), o, func(ctx context.Context, batch [][]byte) error {
		defer func(called time.Time) { waited.Add(int64(time.Since(called))) }(time.Now())
		post, err := http.NewRequestWithContext(ctx, http.MethodPost, req.Form["url"], bytes.NewReader(bytes.Join(batch, nil)))
		if err != nil {
			return err
		}
		return outbound.JSON(p.http, post, "the receiver", nil)
	})
	share := float64(waited.Load()) / float64(atOnce*time.Since(begin))
	return &action.Response{Message: fmt.Sprintf("%.0f %% of the time spent waiting for it", 100*share)}, account.Err("rows")
}

func lines(table *action.Table) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for row, err := range table.Rows() {
			var line []byte
			for i := range table.Columns {
				line = append(append(line, row.Cell(i).Value()...), '\t')
			}
			if len(line) > 0 {
				line[len(line)-1] = '\n'
			}
			if !yield(line, err) {
				return
			}
		}
	}
}
