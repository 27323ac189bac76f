package main

import (
	"bytes"
	"strings"
	"testing"
)

// The first rows and a summary fit on a screen, however many rows arrived.
func TestShow(t *testing.T) {
	t.Parallel()
	for rows, lines := range map[string]int{"2": 3, "5": 6, "300": 7} {
		var sent, shown bytes.Buffer
		if err := run([]string{"make", rows}, nil, &sent); err != nil {
			t.Fatal(err)
		}
		text := sent.String()
		if err := run([]string{"show", rows}, strings.NewReader(text), &shown); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(shown.String(), "\n"); got != lines {
			t.Errorf("%s rows: %d lines, want %d:\n%s", rows, got, lines, shown.String())
		}
		if !strings.Contains(shown.String(), rows+" rows arrived") {
			t.Errorf("no summary: %s", shown.String())
		}
		// what differs in one byte is not what was sent
		changed := strings.Replace(text, "2026-01-01", "2026-01-02", 1)
		if err := run([]string{"show", rows}, strings.NewReader(changed), &shown); err == nil {
			t.Errorf("%s rows: a changed result was accepted", rows)
		}
	}
}
