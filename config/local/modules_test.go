package local_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// requirements returns the modules that the go.mod of a folder asks for, each with the version that
// is used, which a replacement can change.
func requirements(t *testing.T, folder string) map[string]string {
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

// The modules of a local cluster's programs have the versions of the project's go.mod, and else
// those of Kubernetes. Where two differ, everything above them is compiled a second time: the first
// demo took half again as much CPU with the versions that each program's authors chose.
func TestModulesShareVersions(t *testing.T) {
	t.Parallel()
	project := requirements(t, "../..")
	kubernetes := requirements(t, "tools/kubernetes")
	folders, err := filepath.Glob("tools/*")
	if err != nil {
		t.Fatal(err)
	}
	shared := 0
	for _, folder := range append(folders, "process") {
		for path, version := range requirements(t, folder) {
			want, ok := project[path]
			if !ok {
				want, ok = kubernetes[path]
			}
			if !ok {
				continue
			}
			shared++
			if version != want {
				t.Errorf("%s has %s %s. Run: GOWORK=off go -C config/local/%s get %s@%s", folder, path, version, folder, path, want)
			}
		}
	}
	if shared < 100 {
		t.Errorf("compared %d modules: they share at least 100", shared)
	}
}
