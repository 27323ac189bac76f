package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// checkout makes a repository with files, and returns its folder.
func checkout(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "git", "init", "--quiet", root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, text := range files {
		write(t, root, name, text)
	}
	return root
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// times sets the times in a checkout, and returns them.
func times(t *testing.T, root string) map[string]time.Time {
	t.Helper()
	if err := run(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	found := map[string]time.Time{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		found[relative] = info.ModTime()
		if d.Name() == ".git" {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Two checkouts of the same content have the same times, and so has one whose files were written anew.
func TestSameContentSameTimes(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a/b/c.txt": "text", "a/d.txt": "text", "e.txt": "other"}
	first, second := checkout(t, files), checkout(t, files)
	before := times(t, first)
	if len(before) != len(files)+len([]string{".", ".git", "a", "a/b"}) {
		t.Errorf("times %v", before)
	}
	if diff := cmp.Diff(before, times(t, second)); diff != "" {
		t.Errorf("times of two checkouts differ:\n%s", diff)
	}
	write(t, first, "a/new", "temporary")
	if err := os.Remove(filepath.Join(first, "a", "new")); err != nil {
		t.Fatal(err)
	}
	write(t, first, "a/b/c.txt", files["a/b/c.txt"])
	if diff := cmp.Diff(before, times(t, first)); diff != "" {
		t.Errorf("times after the same content was written again differ:\n%s", diff)
	}
}

// A change of content, even of the same size, changes the times of the file and of all folders above it, and
// those alone.
func TestOtherContentOtherTimes(t *testing.T) {
	t.Parallel()
	root := checkout(t, map[string]string{"a/b/c.txt": "text", "a/d/e.txt": "text", "f/g.txt": "text"})
	for _, change := range []func(){
		func() { write(t, root, "a/b/c.txt", "next") },
		func() { write(t, root, "a/b/h.txt", "text") },
		func() {
			if err := os.Remove(filepath.Join(root, "a", "b", "h.txt")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		before := times(t, root)
		change()
		after := times(t, root)
		for name := range before {
			switch name {
			case ".", "a", "a/b":
				if after[name].Equal(before[name]) {
					t.Errorf("the time of %s stayed", name)
				}
			case "a/b/c.txt", "a/b/h.txt": // one of them is what changed
			default:
				if !after[name].Equal(before[name]) {
					t.Errorf("the time of %s changed", name)
				}
			}
		}
	}
	if again := times(t, root); again["a/b/c.txt"].Equal(again["f/g.txt"]) || !again["a/d/e.txt"].Equal(again["f/g.txt"]) {
		t.Error("times do not follow the content")
	}
}

// In CI, Go's caches are below the checkout. Go drops what was not used for days by its time.
func TestCachesKeepTheirTimes(t *testing.T) {
	t.Parallel()
	root := checkout(t, map[string]string{"a/.cache/b.txt": "text", ".cache/build/00/c": "compiled", "bin/hub": "program"})
	start := time.Now().Add(-time.Hour)
	after := times(t, root)
	for name, kept := range map[string]bool{".cache/build/00/c": true, ".cache/build/00": true, "bin/hub": true, ".cache": false, "a/.cache/b.txt": false} {
		if after[name].After(start) != kept {
			t.Errorf("%s has the time %s, want it kept: %t", name, after[name], kept)
		}
	}
}
