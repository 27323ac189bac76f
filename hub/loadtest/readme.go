package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"integrationhub.dev/hub/version"
)

// The README has the measurements between these lines.
const (
	resultsBegin = "<!-- begin: measured by make bench -->\n"
	resultsEnd   = "<!-- end: measured by make bench -->\n"
)

// writeREADME replaces the measurements in a README.
func (b *benchmark) writeREADME(path, load string, at time.Time) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the README: %w", err)
	}
	results := fmt.Sprintf("Measured on %s with %s on %s; the load average was %s before the start.\n\n%s",
		at.UTC().Format(time.DateOnly), runtime.Version(), machine(), load, b.markdown())
	if commit := version.Current().Commit; commit != "" {
		results = "Commit " + commit + ". " + results
	}
	changed, err := replaceResults(string(text), results)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(changed), 0o644) //nolint:gosec // a file of the repository
}

var errNoResults = errors.New("the lines around the measurements are missing")

func replaceResults(text, results string) (string, error) {
	before, rest, begins := strings.Cut(text, resultsBegin)
	_, after, ends := strings.Cut(rest, resultsEnd)
	if !begins || !ends {
		return "", errNoResults
	}
	return before + resultsBegin + "\n" + results + "\n" + resultsEnd + after, nil
}

// machine names the processor and its cores.
func machine() string {
	model := runtime.GOARCH
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the architecture has to do
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores", model, runtime.NumCPU())
}

// markdown is the table as Markdown.
func (t *table) markdown() string {
	var b strings.Builder
	b.WriteString("| measurement | target | measured |\n|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "<", "&lt;")
	for _, m := range t.rows {
		missed := ""
		if !m.ok {
			missed = " (missed)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s%s |\n", cell.Replace(m.what), cell.Replace(m.target), cell.Replace(m.measured), missed)
	}
	return b.String()
}
