package payload

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// spoolFile is a file that is gone once it is closed.
type spoolFile struct {
	*os.File
	named bool // until it is closed
}

// file creates a file without a name. Windows removes no open files: there, closing it does.
func (s *Spool) file() (*spoolFile, error) {
	f, err := os.CreateTemp(s.Dir, "payload-")
	if err != nil {
		return nil, fmt.Errorf("creating a spool file: %w", err)
	}
	if s.named || runtime.GOOS == "windows" {
		return &spoolFile{f, true}, nil
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("unlinking a spool file: %w", err)
	}
	return &spoolFile{f, false}, nil
}

// Close closes the file, and removes it if it still has a name.
func (f *spoolFile) Close() error {
	err := f.File.Close()
	if f.named {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	if err != nil {
		return fmt.Errorf("closing a spool file: %w", err)
	}
	return nil
}
