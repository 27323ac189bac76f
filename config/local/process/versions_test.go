package main

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// modules returns the modules that a go.mod asks for, with the versions it replaces them by.
func modules(t *testing.T, folder string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = folder
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	type module struct{ Path, Version string }
	var file struct {
		Require []module
		Replace []struct{ Old, New module }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, m := range file.Require {
		versions[m.Path] = m.Version
	}
	for _, r := range file.Replace {
		if r.Old.Path == r.New.Path {
			versions[r.Old.Path] = r.New.Version
		}
	}
	return versions
}

// Where the versions differ, everything from golang.org/x/sys up to client-go is compiled a
// second time.
func TestVersionsAreKubernetes(t *testing.T) {
	kubernetes := modules(t, "../tools/kubernetes")
	shared := 0
	for path, version := range modules(t, ".") {
		if want, ok := kubernetes[path]; ok {
			shared++
			if version != want {
				t.Errorf("%s is %s here and %s in tools/kubernetes", path, version, want)
			}
		}
	}
	if shared < 20 {
		t.Errorf("only %d modules are shared: was anything compared?", shared)
	}
}
