package payload

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
)

const mib = 1 << 20

// spoolOf writes n MiB, one at a time.
func spoolOf(share *Share, n int) (*Blob, error) {
	w := share.Create()
	for range n {
		if _, err := w.Write(make([]byte, mib)); err != nil {
			w.Abort()
			return nil, err
		}
	}
	return w.Done()
}

// Deliveries that do not fit into the spool together end one after the other, in whatever order
// their data arrives.
func TestSharesEndOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spool := &Spool{Dir: t.TempDir(), Limit: 10 * mib, MaxWait: time.Hour}
		var wg sync.WaitGroup
		for range 4 {
			share := spool.Share(t.Context())
			wg.Go(func() {
				w := share.Create()
				for range 5 {
					if _, err := w.Write(make([]byte, mib)); err != nil {
						t.Errorf("writing: %v", err)
					}
					time.Sleep(time.Second) // the others write meanwhile
				}
				b, err := w.Done()
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Minute) // the delivery
				_ = b.Close()
			})
		}
		wg.Wait()
		if spool.Used() != 0 || len(spool.shares) != 0 {
			t.Errorf("%d bytes and %d shares are left", spool.Used(), len(spool.shares))
		}
	})
}

func TestShareLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spool := &Spool{Dir: t.TempDir(), Limit: 10 * mib, MaxWait: time.Minute}
		if _, err := spoolOf(spool.Share(t.Context()), 6); action.KindOf(err) != action.TooLarge {
			t.Errorf("more than half of the spool: %v", err)
		}
		oldest, err := spoolOf(spool.Share(t.Context()), 1)
		if err != nil {
			t.Fatal(err)
		}
		second, err := spoolOf(spool.Share(t.Context()), 5)
		if err != nil {
			t.Errorf("two that fit together: %v", err)
		}
		start := time.Now()
		if _, err := spoolOf(spool.Share(t.Context()), 1); !errors.Is(err, ErrSpoolFull) || time.Since(start) != time.Minute {
			t.Errorf("a third one: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("the client is gone")
		cancel(gone)
		if _, err := spoolOf(spool.Share(ctx), 1); !errors.Is(err, gone) {
			t.Errorf("a third one whose client is gone: %v", err)
		}
		_, _ = oldest.Close(), second.Close()
		if spool.Used() != 0 {
			t.Errorf("%d bytes were not given back", spool.Used())
		}
	})
}

// Files have no name, or lose it when they are closed: no data is left in the folder.
func TestSpoolFilesAreRemoved(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		named bool
		while int // files with a name while a payload is in use
	}{
		"unlinked":               {named: false, while: 0},
		"named, as Windows asks": {named: true, while: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !tt.named && runtime.GOOS == "windows" {
				t.Skip("Windows removes no open files")
			}
			spool := &Spool{Dir: t.TempDir(), named: tt.named}
			names := func() int {
				entries, err := os.ReadDir(spool.Dir)
				if err != nil {
					t.Fatal(err)
				}
				return len(entries)
			}
			if err := spool.Check(); err != nil || names() != 0 {
				t.Errorf("after a check, %d files have a name: %v", names(), err)
			}
			b, err := spoolOf(spool.Share(t.Context()), 1)
			if err != nil {
				t.Fatal(err)
			}
			if names() != tt.while {
				t.Errorf("%d files have a name while a payload is in use, want %d", names(), tt.while)
			}
			if data, err := io.ReadAll(b.Reader()); err != nil || len(data) != mib {
				t.Errorf("read %d bytes: %v", len(data), err)
			}
			if err := b.Close(); err != nil || names() != 0 {
				t.Errorf("after the payload was closed, %d files have a name: %v", names(), err)
			}
			aborted := spool.Share(t.Context()).Create()
			if _, err := aborted.Write(make([]byte, mib)); err != nil {
				t.Fatal(err)
			}
			aborted.Abort()
			if names() != 0 || spool.Used() != 0 {
				t.Errorf("after a payload was aborted, %d files have a name, and %d bytes are in use", names(), spool.Used())
			}
			spool.Limit = 1
			if _, err := spoolOf(spool.Share(t.Context()), 1); action.KindOf(err) != action.TooLarge || names() != 0 {
				t.Errorf("after a payload was refused, %d files have a name: %v", names(), err)
			}
		})
	}
}

// A full disk is no fault of the request, and neither is a folder that is gone.
func TestSpoolCannotBeWritten(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	w := (&Spool{}).Share(t.Context()).Create()
	w.file = &spoolFile{File: full}
	if _, err := w.Write([]byte("x")); !errors.Is(err, ErrSpoolFull) || action.KindOf(err) != action.Unavailable {
		t.Errorf("a full disk: %v", err)
	}
	w.Abort()
	gone := &Spool{Dir: filepath.Join(t.TempDir(), "gone")}
	if _, err := spoolOf(gone.Share(t.Context()), 1); action.KindOf(err) != action.Unavailable {
		t.Errorf("a folder that is gone: %v", err)
	}
	if gone.Check() == nil || (&Spool{Dir: t.TempDir()}).Check() != nil {
		t.Error("Check is wrong about a folder")
	}
}
