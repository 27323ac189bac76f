package controllertest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// APIServer is what Environment runs.
var APIServer = []string{"kube-apiserver", "etcd"}

// Program is the path of one of the programs that config/local/build makes. Without it the test
// is skipped.
func Program(t testing.TB, name string) string {
	t.Helper()
	NeedPrograms(t, name)
	return programPath(name)
}

// NeedPrograms skips a test whose programs are not built, and says how to build them. Where they
// have to be there (see ProgramsRequired) it fails the test.
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

// MissingPrograms is an error that names the command which builds what is missing, or nil.
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

// ProgramsRequired tells whether a missing program is a failure: in CI, and where
// KUBEBUILDER_ASSETS says where the programs are, as make test-unit does.
func ProgramsRequired() bool {
	return os.Getenv("CI") != "" || os.Getenv("KUBEBUILDER_ASSETS") != ""
}

func programPath(name string) string {
	return filepath.Join(cmp.Or(os.Getenv("KUBEBUILDER_ASSETS"), Environment().BinaryAssetsDirectory), name)
}
