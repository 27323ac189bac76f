// Package inputs declares what tests read by other programs, such as helm and the go command. Go's test cache
// knows only what the test's own process opens: without this it answers for a test whose inputs changed.
package inputs

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Of has the test run again when one of the files, or anything below one of the folders, changes. They must be
// in the test's own module: Go's cache ignores others.
func Of(t testing.TB, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := open(path); err != nil {
			t.Fatal(err)
		}
	}
}

// open opens a file, or a folder and those below it: for a folder, the cache compares what is in it.
func open(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("reading an input: %w", err)
	}
	if !info.IsDir() {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("reading an input: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if err := open(filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
