package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWriteREADME(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "README.md")
	before := "# Load\n\n" + resultsBegin + "old\n" + resultsEnd + "\nmore\n"
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &benchmark{}
	b.add(true, "lists", "< 1 ms", "%d ms", 0)
	b.add(false, "memory", "<= 28 MiB", "%d MiB", 40)
	for range 2 { // the second time replaces the first
		if err := b.writeREADME(path, "0.10 0.20 0.30", time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for _, want := range []string{
		"# Load\n\n" + resultsBegin, "Measured on 2026-11-27 with go", " cores; the load average was 0.10 0.20 0.30 before the start.",
		"| lists | &lt; 1 ms | 0 ms |\n| memory | &lt;= 28 MiB | 40 MiB (missed) |\n\n" + resultsEnd + "\nmore\n",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not once in\n%s", want, got)
		}
	}
	if strings.Contains(got, "old") {
		t.Errorf("the old measurements are still there:\n%s", got)
	}
	if err := os.WriteFile(path, []byte("# Load\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.writeREADME(path, "", time.Time{}); !errors.Is(err, errNoResults) {
		t.Errorf("a README without a place for measurements: %v", err)
	}
}
