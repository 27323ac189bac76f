package controllertest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// APIServer lists the programs that Environment runs.
var APIServer = []string{"kube-apiserver", "etcd"}

// Program returns the path of a program that config/local/build builds. Without it the test is
// skipped.
func Program(t testing.TB, name string) string {
	t.Helper()
	NeedPrograms(t, name)
	return programPath(name)
}

// NeedPrograms skips a test whose programs are not built, and says how to build them. If they are
// required (see ProgramsRequired), it fails the test.
func NeedPrograms(t testing.TB, names ...string) {
	t.Helper()
	err := MissingPrograms(names...)
	if err == nil {
		return
	}
	if ProgramsRequired() {
		t.Fatal(err)
	}
	t.Skip(err)
}

// MissingPrograms returns an error with the command that builds the missing programs, or nil.
func MissingPrograms(names ...string) error {
	var missing []string
	for _, name := range names {
		if _, err := os.Stat(programPath(name)); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, " ")
	return fmt.Errorf("%s is not built. Run: config/local/build tools %s", strings.ReplaceAll(list, " ", ", "), list)
}

// ProgramsRequired reports whether a missing program fails the test: in CI, and if KUBEBUILDER_ASSETS is
// set, as make test-unit does.
func ProgramsRequired() bool {
	return os.Getenv("CI") != "" || os.Getenv("KUBEBUILDER_ASSETS") != ""
}

func programPath(name string) string {
	return filepath.Join(cmp.Or(os.Getenv("KUBEBUILDER_ASSETS"), Environment().BinaryAssetsDirectory), name)
}
