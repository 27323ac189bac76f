package main

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// signedIn is what Looker keeps of a user who has signed in.
const signedIn = `{"tokens":{"access_token":"load","refresh_token":"load"},` +
	`"redirect":"https://hub.example.com/actions/load/oauth_redirect"}`

// files measures large files from Looker's download address into Google Drive and Dropbox, and
// the largest spreadsheet that Google Sheets takes.
func (b *benchmark) files(ctx context.Context) error {
	v, err := startVendors(ctx, b.cert)
	if err != nil {
		return err
	}
	defer v.close()
	d := newDocument(csvFormat, b.filesSize, "files")
	want := d.digest()
	into := func(integration string, form map[string]string, d document, check func() error) error {
		return b.withHub(ctx, hubOptions{program: b.serve(), env: v.environment()}, func(h *hubProcess) error {
			begin := time.Now()
			client := *b.client
			client.Timeout = 0
			out, err := h.execute(ctx, &client, delivery{
				id: integration, integration: integration, params: map[string]string{"state_json": signedIn}, form: form,
				downloadURL: b.receiver.offer(integration, d, ""),
			})
			took := time.Since(begin)
			if err != nil {
				return err
			}
			peak := h.memory("VmHWM")
			if !out.Success {
				return fmt.Errorf("the delivery to %s failed: %s; the hub said:%s", integration, out.Message, b.said(integration))
			}
			if err := check(); err != nil {
				return err
			}
			size := d.digest().Size
			b.note(fmt.Sprintf("%d MiB by download into %s", size/mib, integration), "%.0f MB/s", mbps(size, took))
			b.add(peak <= 96*mib, "… its peak memory", "<= 96 MiB", "%.1f MiB", inMiB(peak))
			return nil
		})
	}
	whole := func(got *digest) func() error {
		return func() error {
			if *got != want {
				return fmt.Errorf("the file holds %s, want %s: %w", *got, want, errUnexpected)
			}
			return nil
		}
	}
	if err := into("google_drive", map[string]string{"filename": "load.csv"}, d, whole(&v.drive.digest)); err != nil {
		return err
	}
	if err := into("dropbox", map[string]string{"directory": "__root", "filename": "load"}, d, whole(&v.box.digest)); err != nil {
		return err
	}
	// Five columns: ten million cells are two million rows, that of the titles included.
	const bytesARow = 70
	cells := newDocument(csvFormat, 1_900_000*bytesARow, "cells")
	rows := bytes.Count(cells.block, []byte("\n"))*cells.blocks + 1
	return into("google_sheets", map[string]string{"filename": "load.csv", "overwrite": "yes"}, cells, func() error {
		if v.sheet.rows != rows {
			return fmt.Errorf("the sheet has %d rows after %d calls, want %d: %w", v.sheet.rows, v.sheet.calls, rows, errUnexpected)
		}
		b.note(fmt.Sprintf("… %d rows of 5 cells", rows), "%d calls, 60 a minute", v.sheet.calls)
		return nil
	})
}
