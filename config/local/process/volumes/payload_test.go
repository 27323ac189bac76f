package volumes

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is what a reader of the volume finds: the names that are not the folder's own.
func seen(t *testing.T, folder string) map[string]string {
	t.Helper()
	got := map[string]string{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "..") {
			continue
		}
		name := filepath.Join(folder, e.Name())
		target, err := filepath.EvalSymlinks(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := filepath.WalkDir(target, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(file)
			relative, _ := filepath.Rel(target, file)
			got[filepath.Join(e.Name(), relative)] = string(content)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

func file(content string) File { return File{Content: []byte(content), Mode: 0o644} }

func TestWrite(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "v")
	for n, step := range []struct {
		files   map[string]File
		changed bool
	}{
		{map[string]File{"tls.crt": file("1"), "tls.key": file("1"), "sub/a/b": file("x")}, true},
		{map[string]File{"tls.crt": file("1"), "tls.key": file("1"), "sub/a/b": file("x")}, false},
		{map[string]File{"tls.crt": file("2"), "tls.key": file("2"), "ca.crt": file("")}, true},
		{map[string]File{"tls.crt": {Content: []byte("2"), Mode: 0o600}, "tls.key": file("2"), "ca.crt": file("")}, true},
		{map[string]File{}, true},
		{map[string]File{}, false},
	} {
		changed, err := Write(folder, step.files)
		if err != nil || changed != step.changed {
			t.Fatalf("step %d: changed %v, %v", n, changed, err)
		}
		want := map[string]string{}
		for name, f := range step.files {
			want[name] = string(f.Content)
			info, err := os.Stat(filepath.Join(folder, name))
			if err != nil || info.Mode().Perm() != f.Mode {
				t.Errorf("step %d: mode of %s: %v, %v", n, name, info, err)
			}
		}
		if diff := cmp.Diff(want, seen(t, folder)); diff != "" {
			t.Errorf("step %d: %s", n, diff)
		}
	}
	entries, _ := os.ReadDir(folder)
	if len(entries) != 2 { // ..data and one version
		t.Errorf("old versions are left: %v", entries)
	}
}

// A reader that has resolved ..data sees files of one version only.
func TestWriteSwitchesAtOnce(t *testing.T) {
	folder := t.TempDir()
	if _, err := Write(folder, map[string]File{"crt": file("1"), "key": file("1")}); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Readlink(filepath.Join(folder, "..data"))
	link, _ := os.Readlink(filepath.Join(folder, "crt"))
	if _, err := Write(folder, map[string]File{"crt": file("2"), "key": file("2")}); err != nil {
		t.Fatal(err)
	}
	after, _ := os.Readlink(filepath.Join(folder, "..data"))
	if again, _ := os.Readlink(filepath.Join(folder, "crt")); before == after || link != "..data/crt" || again != link {
		t.Errorf("..data was %s and is %s; crt leads to %s", before, after, again)
	}
}

func TestWriteStaysInside(t *testing.T) {
	for _, name := range []string{"../x", "/x", "a/../../x", "..data", ""} {
		if _, err := Write(t.TempDir(), map[string]File{name: file("x")}); err == nil {
			t.Errorf("%q was written", name)
		}
	}
}
