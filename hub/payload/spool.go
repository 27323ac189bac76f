package payload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/bounded"
)

// ErrSpoolFull means that the spool has no space for a payload.
var ErrSpoolFull error = action.Errorf(action.Unavailable, "The hub has no storage left for this data. Try again later.")

// errSpoolBroken means that the spool's directory is not writable.
var errSpoolBroken error = action.Errorf(action.Unavailable, "The hub cannot store this data. Try again later.")

// Spool stores payloads: small ones in memory, others in unlinked files, so that none are left after
// a crash; except on Windows, where open files have a name.
type Spool struct {
	// Dir is the directory of the files; empty means the system's temporary directory.
	Dir string
	// Limit is the maximum size of all files; 0 means no limit.
	Limit int64
	// MaxSettings is the maximum size of all requests in memory, without their data; 0 means no
	// limit.
	MaxSettings int64
	// MaxWait is how long a [Share] waits for space; 0 means that it does not wait.
	MaxWait time.Duration

	mu      sync.Mutex
	used    int64
	shares  []*Share      // those with bytes in files, the oldest first
	changed chan struct{} // closed when bytes were released

	settings atomic.Int64

	// named keeps the names of files until they are closed, as on Windows. For tests.
	named bool
}

// spoolThreshold is the maximum size of a payload in memory.
const spoolThreshold = 256 << 10

// Used returns the size of all files.
func (s *Spool) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// Check returns an error if the spool's directory is not writable.
func (s *Spool) Check() error {
	f, err := s.file()
	if err != nil {
		return err
	}
	return f.Close()
}

// Share returns one delivery's part of the spool. Deliveries that do not fit at the same time wait
// for each other, at most [Spool.MaxWait] and until ctx ends.
//
// To prevent a deadlock of deliveries that each hold a part of their data, a delivery can use at
// most half of the spool, and the others must leave enough space for the oldest one to reach that.
// So the oldest one can always continue, and after it the next one (the banker's algorithm).
func (s *Spool) Share(ctx context.Context) *Share { return &Share{spool: s, ctx: ctx} }

// Share is one delivery's part of a [Spool].
type Share struct {
	spool *Spool
	ctx   context.Context //nolint:containedctx // an io.Writer has no other way to be cancelled
	used  int64
	// settings is the size of the request without its data.
	settings int64
}

// takeSettings reserves n bytes for a request's settings.
func (s *Share) takeSettings(n int64) error {
	if s.settings+n > maxSettings {
		return ErrTooLarge
	}
	s.settings += n
	if all := s.spool.settings.Add(n); s.spool.MaxSettings > 0 && all > s.spool.MaxSettings {
		return ErrSpoolFull
	}
	return nil
}

func (s *Share) releaseSettings() {
	s.spool.settings.Add(-s.settings)
	s.settings = 0
}

// Create starts a payload. The caller ends it with Done or Abort.
func (s *Share) Create() *SpoolWriter { return &SpoolWriter{share: s} }

// take reserves n bytes and waits for space if necessary.
func (s *Share) take(n int64) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.spool.MaxWait)
	defer cancel()
	for {
		changed, err := s.spool.reserve(s, n)
		if changed == nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if s.ctx.Err() != nil {
				return context.Cause(s.ctx)
			}
			return ErrSpoolFull
		}
	}
}

// reserve reserves n bytes for a share, or returns a channel that is closed when space is released.
func (s *Spool) reserve(share *Share, n int64) (<-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maxShare := s.Limit / 2
	switch {
	case s.Limit == 0:
	case share.used+n > maxShare:
		return nil, action.Errorf(action.TooLarge, "The data is larger than this hub can store for one delivery (%d bytes).", maxShare)
	case len(s.shares) > 0 && s.shares[0] != share && s.Limit-s.used-n < maxShare-s.shares[0].used:
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		return s.changed, nil
	}
	if share.used == 0 && n > 0 {
		s.shares = append(s.shares, share)
	}
	s.used += n
	share.used += n
	return nil, nil
}

// release returns bytes to the spool.
func (s *Share) release(n int64) {
	if n == 0 {
		return
	}
	p := s.spool
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used -= n
	if s.used -= n; s.used == 0 {
		p.shares = slices.DeleteFunc(p.shares, func(other *Share) bool { return other == s })
	}
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// SpoolWriter writes a payload.
type SpoolWriter struct {
	share *Share
	mem   []byte
	file  *spoolFile
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
	if err := w.share.take(int64(len(p))); err != nil {
		return 0, err
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	w.share.release(int64(len(p) - n))
	if err != nil {
		return n, explain(err)
	}
	return n, nil
}

// toFile moves the payload from memory to a file.
func (w *SpoolWriter) toFile() error {
	f, err := w.share.spool.file()
	if err != nil {
		return explain(err)
	}
	if err := w.share.take(w.size); err != nil {
		_ = f.Close()
		return err
	}
	w.file = f
	if _, err := f.Write(w.mem); err != nil {
		return explain(err)
	}
	w.mem = nil
	return nil
}

// explain classifies an error of the file system, none of which the sender can fix.
func explain(err error) error {
	reason := errSpoolBroken
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		reason = ErrSpoolFull
	}
	return fmt.Errorf("%w: writing to the spool: %w", reason, err)
}

// Abort discards the payload.
func (w *SpoolWriter) Abort() {
	if w.file != nil {
		_ = w.file.Close()
		w.share.release(w.size)
		w.file = nil
	}
	w.mem = nil
}

// Done returns the complete payload.
func (w *SpoolWriter) Done() (*Blob, error) {
	if w.file == nil {
		return &Blob{ReaderAt: bytes.NewReader(w.mem), size: w.size, share: w.share}, nil
	}
	return &Blob{ReaderAt: w.file, size: w.size, file: w.file, share: w.share}, nil
}

// Blob is a complete payload.
type Blob struct {
	io.ReaderAt
	size  int64
	file  *spoolFile
	share *Share
}

// Size is the payload's length in bytes.
func (b *Blob) Size() int64 { return b.size }

// Table decodes the payload as Looker's JSON, with the limit [bounded.DefaultLimit].
func (b *Blob) Table() (*action.Table, error) {
	return decodeTable(io.NopCloser(b.Reader()), b.share, bounded.DefaultLimit)
}

// Reader reads the payload from its start. Readers are independent of each other.
func (b *Blob) Reader() io.Reader { return io.NewSectionReader(b, 0, b.size) }

// Close releases the space. A second call does nothing.
func (b *Blob) Close() error {
	if b.file == nil {
		return nil
	}
	b.share.release(b.size)
	err := b.file.Close()
	b.file = nil
	return err
}
