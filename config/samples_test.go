package config_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A user who applies a sample as it is must not get a publicly known secret. The operator generates
// one.
func TestSamplesHoldNoSecret(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"samples", filepath.Join("local", "demo")} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".yaml" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, forbidden := range []string{"kind: Secret\n", "stringData:"} {
				if strings.Contains(string(text), forbidden) {
					t.Errorf("%s has %q", path, forbidden)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
