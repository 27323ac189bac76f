package payload

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"integrationhub.dev/hub/action"
)

// ErrSpoolFull says that the hub has no room for a payload now.
var ErrSpoolFull error = action.Errorf(action.Unavailable, "The hub has no room for this data now. Try again later.")

// Spool keeps payloads: small ones in memory, others in files that are already unlinked, so
// that nothing is left behind however the hub ends.
type Spool struct {
	// Dir is where files go; empty means the system's temporary folder.
	Dir string
	// Limit bounds the bytes in files at any one time; 0 means no bound.
	Limit int64

	used atomic.Int64
}

// spoolThreshold is the size up to which a payload stays in memory.
const spoolThreshold = 256 << 10

// Used is the number of bytes in files now.
func (s *Spool) Used() int64 { return s.used.Load() }

// Create begins a payload. The caller ends it with Done or Abort.
func (s *Spool) Create() *SpoolWriter { return &SpoolWriter{spool: s} }

// SpoolWriter takes one payload.
type SpoolWriter struct {
	spool *Spool
	mem   []byte
	file  *os.File
	size  int64
}

func (w *SpoolWriter) Write(p []byte) (int, error) {
	if w.file == nil && len(w.mem)+len(p) <= spoolThreshold {
		w.mem = append(w.mem, p...)
		w.size += int64(len(p))
		return len(p), nil
	}
	if w.file == nil {
		if err := w.toFile(); err != nil {
			return 0, err
		}
	}
	if err := w.spool.take(int64(len(p))); err != nil {
		return 0, err
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	w.spool.used.Add(int64(n - len(p)))
	if err != nil {
		return n, fmt.Errorf("writing to the spool: %w", err)
	}
	return n, nil
}

func (s *Spool) take(n int64) error {
	if used := s.used.Add(n); s.Limit > 0 && used > s.Limit {
		s.used.Add(-n)
		return ErrSpoolFull
	}
	return nil
}

func (w *SpoolWriter) toFile() error {
	f, err := os.CreateTemp(w.spool.Dir, "payload-")
	if err != nil {
		return fmt.Errorf("creating a spool file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return fmt.Errorf("unlinking a spool file: %w", err)
	}
	if err := w.spool.take(w.size); err != nil {
		_ = f.Close()
		return err
	}
	w.file = f
	if _, err := f.Write(w.mem); err != nil {
		return fmt.Errorf("writing to the spool: %w", err)
	}
	w.mem = nil
	return nil
}

// Abort throws the payload away.
func (w *SpoolWriter) Abort() {
	if w.file != nil {
		_ = w.file.Close()
		w.spool.used.Add(-w.size)
		w.file = nil
	}
	w.mem = nil
}

// Done ends the payload.
func (w *SpoolWriter) Done() (*Blob, error) {
	if w.file == nil {
		return &Blob{ReaderAt: bytes.NewReader(w.mem), size: w.size}, nil
	}
	return &Blob{ReaderAt: w.file, size: w.size, file: w.file, spool: w.spool}, nil
}

// Blob is a payload that is here whole.
type Blob struct {
	io.ReaderAt
	size  int64
	file  *os.File
	spool *Spool
}

// Size is the payload's length in bytes.
func (b *Blob) Size() int64 { return b.size }

// Reader reads the payload from its start. Any number of readers may be open at once.
func (b *Blob) Reader() io.Reader { return io.NewSectionReader(b, 0, b.size) }

// Close gives the space back. A second call does nothing.
func (b *Blob) Close() error {
	if b.file == nil {
		return nil
	}
	b.spool.used.Add(-b.size)
	err := b.file.Close()
	b.file = nil
	return err
}
