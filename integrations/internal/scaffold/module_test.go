package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// maxLine is the longest line of production code.
const maxLine = 140

// Integrations of both kinds, made in a copy of the module, pass their own tests, Conform and the
// repository-wide tests at once. After their folders were deleted, the copy is what it was.
func TestNewIntegrations(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the module")
	}
	t.Parallel()
	dir := t.TempDir()
	copyModule(t, dir)
	before := snapshot(t, dir)
	repo := repository(dir)
	for _, made := range []struct{ name, kind, label string }{{"acme_crm", "rows", "Acme CRM"}, {"acme_files", "file", ""}} {
		files, err := repo.create(made.name, made.kind, made.label)
		if err != nil {
			t.Fatal(err)
		}
		checkLines(t, repo, files)
	}
	generate(t, repo)
	packages := []string{"./integrations/acmecrm", "./integrations/acmefiles"}
	goCommand(t, dir, append([]string{"vet"}, packages...)...)
	goCommand(t, dir, append([]string{"test", "./integrations", "./integrations/internal/scaffold", "-short"}, packages...)...)
	goCommand(t, dir, "test", "./hub", "-run", "^TestLanguage$")
	if controllerGen() != "" {
		goCommand(t, dir, "test", "./api/v1alpha1", "-run", "^TestIntegrationNames$")
	}

	for _, folder := range packages {
		if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := repo.prune()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"acme_files", "acme_crm"}; !slices.Equal(gone, want) {
		t.Errorf("removed %q, want %q", gone, want)
	}
	generate(t, repo)
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Errorf("the module after the integrations were removed (-before +after):\n%s", diff)
	}
}

// generate does what "make generate" does about integrations.
func generate(t *testing.T, repo repository) {
	t.Helper()
	if err := repo.generate(); err != nil {
		t.Fatal(err)
	}
	if program := controllerGen(); program != "" {
		command(t, string(repo), program, "crd", "paths=./api/...", "output:crd:dir=config/crd/bases")
	} else {
		t.Log("without controller-gen, the CRD's enum is not checked")
	}
	goCommand(t, string(repo), "test", "./integrations", "-run", "^TestOwnDefinitions$", "-update")
}

// controllerGen is the program that "make test" builds beside those of envtest, or "".
func controllerGen() string {
	program := filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "controller-gen")
	if _, err := os.Stat(program); os.Getenv("KUBEBUILDER_ASSETS") == "" || err != nil {
		return ""
	}
	return program
}

// goCommand runs go without a network. Paths are trimmed, so that results are cached although each
// copy has another folder.
func goCommand(t *testing.T, dir string, args ...string) {
	t.Helper()
	command(t, dir, "go", append([]string{args[0], "-trimpath"}, args[1:]...)...)
}

func command(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// copyModule copies the files of the module.
func copyModule(t *testing.T, to string) {
	t.Helper()
	for name, text := range snapshot(t, string(root)) {
		file := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
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
