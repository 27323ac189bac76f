package images

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The archive is written by the program that writes the project's own.
func TestLoadArchive(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho hello\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(folder, "image.tar")
	tool := exec.Command("go", "run", ".", "-name", "example.com/a/tool:v1", "-o", archive, program, "/bin/tool", "serve")
	tool.Dir = "../../tools/image"
	tool.Env = append(os.Environ(), "GOWORK=off")
	if out, err := tool.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := Store{Folder: filepath.Join(folder, "store")}
	for range 2 { // the second time it is there already
		if _, err := s.Load(archive); err != nil {
			t.Fatal(err)
		}
	}
	i, err := Store{Folder: s.Folder}.Find("example.com/a/tool:v1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/bin/tool", "serve"}, i.Entrypoint); diff != "" {
		t.Errorf("entrypoint: %s", diff)
	}
	for command, want := range map[string]string{"/bin/tool": "hello\n", "tool": "hello\n", "/bin/sh": "", "sh": "", "../../program": ""} {
		file, err := i.Executable(command)
		if (err == nil) != (want != "") {
			t.Errorf("Executable(%s) = %s, %v", command, file, err)
		}
		if err != nil {
			continue
		}
		if out, err := exec.Command(file).Output(); err != nil || string(out) != want {
			t.Errorf("%s said %q, %v", file, out, err)
		}
	}
}

func TestLoadProgram(t *testing.T) {
	s := Store{Folder: t.TempDir()}
	if _, err := s.Load("example.com/tool=" + os.Args[0] + " serve -address :8443"); err != nil {
		t.Fatal(err)
	}
	i, err := s.Find("example.com/tool:latest")
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Base(os.Args[0])
	if diff := cmp.Diff([]string{"/" + base, "serve", "-address", ":8443"}, i.Entrypoint); diff != "" {
		t.Errorf("entrypoint: %s", diff)
	}
	if file, err := i.Executable("/usr/bin/" + base); err != nil || file != os.Args[0] {
		t.Errorf("Executable = %s, %v", file, err)
	}
	if _, err := i.Executable("/bin/sh"); err == nil {
		t.Error("a program's image has /bin/sh")
	}
}

func TestLoadFails(t *testing.T) {
	s := Store{Folder: t.TempDir()}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{text, text + ".missing", "=x", "a=", "a=" + text, "a=" + text + ".missing", "a=" + t.TempDir()} {
		if i, err := s.Load(what); err == nil {
			t.Errorf("Load(%s) = %v", what, i)
		}
	}
	if _, err := s.Find("a"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "load it") {
		t.Errorf("Find: %v", err)
	}
}

func TestReference(t *testing.T) {
	for name, want := range map[string]string{
		"hub": "hub:latest", "hub:dev": "hub:dev", "localhost:5000/hub": "localhost:5000/hub:latest",
		"localhost:5000/hub:v1": "localhost:5000/hub:v1", "hub@sha256:aa": "hub@sha256:aa",
	} {
		if got := reference(name); got != want {
			t.Errorf("reference(%s) = %s, want %s", name, got, want)
		}
	}
}
