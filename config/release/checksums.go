package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

const checksumsFile = "SHA256SUMS"

// writeChecksums writes the checksums of a release's files, as sha256sum --check reads them.
func writeChecksums(dir string) error {
	files, err := releaseFiles(dir)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s  %s\n", hexSHA256(content), file)
	}
	return os.WriteFile(filepath.Join(dir, checksumsFile), b.Bytes(), 0o644) //nolint:gosec // a release is for everyone
}
