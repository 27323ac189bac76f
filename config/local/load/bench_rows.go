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
	"syscall"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// rowsHub is the command that runs a hub with the one integration rowPoster.
const rowsHub = "rows-hub"

// rows measures what a row integration makes of 100 MB of json_detail inside the envelope.
// The real ones are held back by their destinations (Airtable takes 50 rows a second), so a
// hub with an integration of this program's own runs here.
func (b *benchmark) rows(ctx context.Context) error {
	const size, most = 100e6, 3 * time.Second
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	d := newDocument(jsonFormat, size, "rows")
	return b.withHub(ctx, hubOptions{program: []string{self, rowsHub}}, func(h *hubProcess) error {
		begin := time.Now()
		out, err := h.execute(ctx, b.client, delivery{
			integration: "rows", form: map[string]string{"url": b.receiver.url + "/lines?id=rows"}, document: &d,
		})
		took := time.Since(begin)
		if err != nil {
			return err
		}
		var got lineDigest
		for _, a := range b.receiver.arrived("rows") {
			got.lines += a.lines.lines
			got.sum += a.lines.sum
		}
		want := d.lines()
		if !out.Success || got != want {
			return fmt.Errorf("answered %+v; %+v arrived, want %+v", out, got, want)
		}
		b.add(took <= most, "100 MB json_detail inline, row by row in batches of 500", "<= 3 s", "%.2f s, %d rows, peak memory %.1f MiB",
			took.Seconds(), got.lines, inMiB(h.memory("VmHWM")))
		return nil
	})
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
	config, err := hub.LoadConfig(env)
	if err != nil {
		return err
	}
	return hub.Run(ctx, hub.Options{
		Config: config, Env: env, AllowLoopback: true, Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		Entries: []hub.Entry{{Name: "rows", New: func(deps action.Deps) (action.Integration, error) { return &rowPoster{deps.HTTP}, nil }}},
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
	account := deliver.Batches(ctx, lines(table), deliver.Options[[]byte]{Size: 500, Concurrency: 4}, func(ctx context.Context, batch [][]byte) error {
		post, err := http.NewRequestWithContext(ctx, http.MethodPost, req.Form["url"], bytes.NewReader(bytes.Join(batch, nil)))
		if err != nil {
			return err
		}
		return outbound.JSON(p.http, post, "the receiver", nil)
	})
	return &action.Response{}, account.Err("rows")
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
