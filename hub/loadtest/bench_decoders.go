package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// decoders runs the Go benchmarks of hub/payload, each on one core.
func (b *benchmark) decoders(ctx context.Context) error {
	run := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "-cpu", "1", "integrationhub.dev/hub/payload")
	out, err := run.CombinedOutput()
	if err != nil {
		return fmt.Errorf("running the benchmarks: %w\n%s", err, out)
	}
	results, err := parseBenchmarks(out)
	if err != nil {
		return err
	}
	for _, m := range []struct {
		name, what string
		target     float64
	}{
		{"DecodeCSV", "envelope with csv, one core", 500},
		{"DecodeJSONDetail", "envelope with json_detail, one core", 300},
		{"Base64", "file in base64, one core", 600},
		{"Rows", "json_detail rows, one core", 400},
		{"Values", "json_detail rows with each cell's value, one core", 200},
	} {
		r, ok := results[m.name]
		if !ok {
			return fmt.Errorf("there is no benchmark %s", m.name)
		}
		b.add(r.mbps >= m.target, m.what, fmt.Sprintf(">= %.0f MB/s", m.target), "%.0f MB/s", r.mbps)
		if r.perRow > 0 {
			b.add(r.perRow <= maxAllocs, "… allocations per row", fmt.Sprintf("<= %.1f", maxAllocs), "%.2f", r.perRow)
		}
	}
	return nil
}

// maxAllocs is what a row may cost: rows share the allocations of their cells and text.
const maxAllocs = 0.1

// benchmarkResult is a line of Go's benchmarks.
type benchmarkResult struct {
	mbps, perRow float64
}

var benchmarkLine = regexp.MustCompile(`^Benchmark(\w+)(?:-\d+)?\s.*?([\d.]+) MB/cpu-s(?:.*?([\d.]+) allocs/row)?`)

func parseBenchmarks(out []byte) (map[string]benchmarkResult, error) {
	results := map[string]benchmarkResult{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		m := benchmarkLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		var r benchmarkResult
		var err error
		if r.mbps, err = strconv.ParseFloat(m[2], 64); err == nil && m[3] != "" {
			r.perRow, err = strconv.ParseFloat(m[3], 64)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the benchmarks: %w", err)
		}
		results[m[1]] = r
	}
	if len(results) == 0 {
		return nil, errors.Join(errors.New("the benchmarks printed nothing"), lines.Err())
	}
	return results, nil
}
