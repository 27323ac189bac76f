package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// maxLine is the longest line of production code.
const maxLine = 140

// samples are an integration of each kind, and their folders.
var samples = []struct{ name, folder, kind, label string }{
	{"acme_crm", "acmecrm", "rows", "Acme CRM"},
	{"acme_files", "acmefiles", "file", ""},
}

// Integrations of both kinds, made in a copy of the module, pass their own tests, Conform and the
// repository-wide tests at once.
func TestNewIntegrations(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the tests of the integrations")
	}
	t.Parallel()
	c := newModuleCopy(t)
	c.create(t)
	c.generate(t)
	all := c.build(t, "integrations")
	all("-test.run", "^TestOwnDefinitions$", "-update")
	all("-test.skip", "^TestConform$")
	conform := all("-test.run", "^TestConform$/^acme_", "-test.v")
	for _, made := range samples {
		if !strings.Contains(conform, "--- PASS: TestConform/"+made.name+"/status") {
			t.Errorf("TestConform did not run for %s", made.name)
		}
		c.build(t, "integrations/"+made.folder)()
	}
	c.build(t, "hub")("-test.run", "^TestLanguage$")
	if controllerGen() != "" {
		c.build(t, "api/v1alpha1")("-test.run", "^TestIntegrationNames$")
	}
}

// After the folders of integrations were deleted, nothing is left of them.
func TestRemovedIntegrations(t *testing.T) {
	t.Parallel()
	c := newModuleCopy(t)
	before := snapshot(t, c.dir)
	c.create(t)
	c.generate(t)
	want := make([]string, len(samples))
	for i, made := range samples {
		want[i] = made.name
		if err := c.repository().write("integrations/testdata/definitions/"+made.name+".json", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(c.dir, "integrations", made.folder)); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := c.repository().prune()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(gone)
	if diff := cmp.Diff(want, gone); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	c.generate(t)
	if diff := cmp.Diff(before, snapshot(t, c.dir)); diff != "" {
		t.Errorf("the module after the integrations were removed (-before +after):\n%s", diff)
	}
}

// An integration that has been there for long is removed from every list, too.
func TestRemovedOldIntegrations(t *testing.T) {
	t.Parallel()
	c := newModuleCopy(t)
	_, groups, err := c.repository().registered()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		for _, i := range g.integrations {
			if err := os.RemoveAll(filepath.Join(c.dir, "integrations", i.folder)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := c.repository().prune(); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		s, err := c.repository().source(table.file)
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.list(table.variable)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list.Elts {
			t.Errorf("%s still has %s in %s", table.file, key(e), table.variable)
		}
	}
	s, _, err := c.repository().registered()
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range s.file.Imports {
		if path := importPath(spec); strings.HasPrefix(path, module+"integrations/") && !strings.Contains(path, "/internal/") {
			t.Errorf("%s still imports %s", registryFile, path)
		}
	}
}

// moduleCopy is a copy of the module that can be changed. Its tests are built in the module itself,
// with the files of the copy that differ as an overlay: so that go's cache has all that did not change.
type moduleCopy struct{ root, dir string }

func newModuleCopy(t *testing.T) moduleCopy {
	t.Helper()
	absolute, err := filepath.Abs(string(root))
	if err != nil {
		t.Fatal(err)
	}
	c := moduleCopy{root: absolute, dir: t.TempDir()}
	for name, text := range snapshot(t, c.root) {
		if err := repository(c.dir).write(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c moduleCopy) repository() repository { return repository(c.dir) }

func (c moduleCopy) create(t *testing.T) {
	t.Helper()
	for _, made := range samples {
		files, err := c.repository().create(made.name, made.kind, made.label)
		if err != nil {
			t.Fatal(err)
		}
		checkLines(t, c.repository(), files)
	}
}

// generate does what "make generate" does about integrations, but for their definitions.
func (c moduleCopy) generate(t *testing.T) {
	t.Helper()
	if err := c.repository().generate(); err != nil {
		t.Fatal(err)
	}
	if program := controllerGen(); program != "" {
		command(t, c.dir, program, "crd", "paths=./api/...", "output:crd:dir=config/crd/bases")
		crds, err := filepath.Glob(filepath.Join(c.dir, "config", "crd", "bases", "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		command(t, c.root, "go", append([]string{"run", "./api/reflow"}, crds...)...)
	} else {
		t.Log("without controller-gen, the CRD is not checked")
	}
}

// overlay writes the file for go's flag -overlay.
func (c moduleCopy) overlay(t *testing.T) string {
	t.Helper()
	changed := map[string]string{}
	original := snapshot(t, c.root)
	for name, text := range snapshot(t, c.dir) {
		if original[name] != text {
			changed[filepath.Join(c.root, name)] = filepath.Join(c.dir, name)
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": changed})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// build builds the tests of a package. The function that it returns runs them in the copy, and
// returns what they print.
func (c moduleCopy) build(t *testing.T, folder string) (run func(args ...string) string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program.test")
	// go vet wants to enter the new folders, which are only in the overlay.
	command(t, c.root, "go", "test", "-c", "-vet=off", "-overlay", c.overlay(t), "-o", program, "./"+folder)
	return func(args ...string) string {
		t.Helper()
		return command(t, filepath.Join(c.dir, folder), program, args...)
	}
}

// controllerGen is the program that "make test" builds beside those of envtest, or "".
func controllerGen() string {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	program := filepath.Join(assets, "controller-gen")
	if _, err := os.Stat(program); assets == "" || err != nil {
		return ""
	}
	return program
}

// command runs a program without a network, and returns what it prints.
func command(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off")
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	t.Logf("%.1f s: %s", time.Since(start).Seconds(), strings.Join(cmd.Args, " "))
	return string(out)
}

// snapshot reads the files below a folder by their names, without those that are built or hidden.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(d.Name(), ".")
		switch {
		case err != nil:
			return err
		case d.IsDir() && (hidden || name == "bin"):
			return fs.SkipDir
		case hidden || !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func checkLines(t *testing.T, repo repository, files []string) {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(repo.path(file))
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if len([]rune(line)) > maxLine {
				t.Errorf("%s has a line of more than %d characters: %s", file, maxLine, line)
			}
		}
	}
}
