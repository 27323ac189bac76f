package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var when = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestArchives(t *testing.T) {
	t.Parallel()
	members := []member{{"hub", 0o755, []byte("program")}, {"LICENSE", 0o644, []byte("licence")}}
	for name, pack := range map[string]func(time.Time, ...member) ([]byte, error){"tar": tarGzipOf, "zip": zipOf} {
		first, err := pack(when, members...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		second, err := pack(when, members...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("%s: two archives of the same files differ", name)
		}
	}
	packed, err := tarGzipOf(when, members...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := readTarGzip(packed)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0].name != "hub" || found[0].mode != 0o755 || string(found[1].content) != "licence" {
		t.Errorf("the archive has %v", found)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	folder := func(files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	first := folder(map[string]string{"a": "1", "oci/b": "2", signature: "once"})
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"the same":  {map[string]string{"a": "1", "oci/b": "2", signature: "twice"}, ""},
		"different": {map[string]string{"a": "1", "oci/b": "3"}, "oci/b differs"},
		"missing":   {map[string]string{"a": "1"}, "oci/b is missing"},
		"more":      {map[string]string{"a": "1", "oci/b": "2", "c": ""}, "c is missing"},
	} {
		err := compare(first, folder(test.files))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if err := compare(folder(nil), folder(nil)); err == nil {
		t.Error("two empty folders are the same: nothing was compared")
	}
}

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]bool{
		"localhost:5000/x": true, "127.0.0.1:5000/x": true, "[::1]:5000/x": true,
		"registry.example.com/x": false, "localhost.example.com/x": false, "10.0.0.1:5000/x": false,
	} {
		if got := isLoopback(reference); got != want {
			t.Errorf("%s: %v, want %v", reference, got, want)
		}
	}
}
