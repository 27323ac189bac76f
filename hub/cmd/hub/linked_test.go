package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// maxProgramMB is what the stripped program may have, in millions of bytes. Raise it only for a feature
// that is worth it.
const maxProgramMB = 37

// The linker drops methods that nothing calls, unless the program looks up methods by names that are
// known only when it runs. Libraries that interpret templates do: text/template and html/template make
// the program a quarter larger.
func TestProgram(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "hub")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "-ldflags", "-s -w -dumpdep", ".")
	out, err := build.StderrPipe()
	if err == nil {
		err = build.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var last string
	dependencies, lookups := 0, map[string]bool{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		last = lines.Text()
		from, to, ok := strings.Cut(last, " -> ")
		if ok {
			dependencies++
		}
		if name, ok := strings.CutSuffix(to, " <ReflectMethod>"); ok {
			lookups[name+", called by "+from] = true
		}
	}
	if err := build.Wait(); err != nil || lines.Err() != nil {
		t.Fatalf("building the program: %v, %v: %s", err, lines.Err(), last)
	}
	if dependencies < 1000 {
		t.Fatalf("the linker named only %d dependencies", dependencies)
	}
	for name := range lookups {
		t.Errorf("methods are looked up by name in %s", name)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if size := info.Size(); size > maxProgramMB*1_000_000 {
		t.Errorf("the program has %.1f MB, want at most %d", float64(size)/1e6, maxProgramMB)
	}
}
