package integrations_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	// subjects are the names that README.md lists for the files of an integration, in addition to
	// NAME.go. Each may have a test.
	subjects = []string{"client", "form", "oauth", "rows", "mirror", "errors"}
	// testHelpers are the names of files that support tests: access to internals, a fake destination,
	// and tests with a real server.
	testHelpers = []string{"export", "fake", "server"}
)

// Every integration has the same files, so that a reader finds a subject in any of them.
func TestFileNames(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("found %d files, want those of all integrations", len(files))
	}
	for _, file := range files {
		if !followsRule(file) {
			t.Errorf("%s: README.md does not list this name for a file of an integration", file)
		}
	}
}

// followsRule reports whether a file of an integration has one of the allowed names.
func followsRule(file string) bool {
	name := strings.TrimSuffix(filepath.Base(file), ".go")
	subject, isTest := strings.CutSuffix(name, "_test")
	return subject == filepath.Base(filepath.Dir(file)) || slices.Contains(subjects, subject) ||
		isTest && slices.Contains(testHelpers, subject)
}

func TestFollowsRule(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{
		"sftp/sftp.go": true, "sftp/sftp_test.go": true, "sftp/client.go": true, "sftp/client_test.go": true, "sftp/fake_test.go": true,
		"sftp/fake.go": false, "sftp/hostkey.go": false, "sftp/hostkey_test.go": false, "sftp/email.go": false,
	} {
		if got := followsRule(file); got != want {
			t.Errorf("%s follows the rule: %v, want %v", file, got, want)
		}
	}
}
