package payload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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

// A full disk is no fault of the request, and neither is a folder that is gone.
func TestSpoolCannotBeWritten(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	w := (&Spool{}).Share(t.Context()).Create()
	w.file = full
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
