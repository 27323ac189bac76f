package sftp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	pkgsftp "github.com/pkg/sftp"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/sftp"
)

// hanging is a disk that answers nothing until it is released.
type hanging struct{ asked, release chan struct{} }

func newHanging() hanging { return hanging{make(chan struct{}, 1), make(chan struct{})} }

func (h hanging) hang() error {
	select {
	case h.asked <- struct{}{}:
	default:
	}
	<-h.release
	return os.ErrPermission
}

func (h hanging) Filelist(*pkgsftp.Request) (pkgsftp.ListerAt, error) { return nil, h.hang() }
func (h hanging) Filecmd(*pkgsftp.Request) error                      { return h.hang() }
func (h hanging) Filewrite(*pkgsftp.Request) (io.WriterAt, error)     { return h, nil }
func (h hanging) WriteAt([]byte, int64) (int, error)                  { return 0, h.hang() }

// A delivery ends with its context though SSH answers and the disk behind it does not.
func TestDiskHangs(t *testing.T) {
	t.Parallel()
	f, disk := newFake(t), newHanging()
	memory := pkgsftp.InMemHandler()
	memory.FileList = disk
	f.memory = &memory
	i := f.start(t, nil)
	t.Cleanup(func() { close(disk.release) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-disk.asked; cancel() }()
	if _, err := i.Execute(ctx, request(t, f.params(), orders, "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// The same while the file is written: the temporary file is not waited for either.
func TestDiskHangsLater(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	req := request(t, with(f.params(), answers{"address": "sftp://files.example.com/"}), orders, text(1<<20))
	deps := actiontest.Deps(t, nil, nil)
	synctest.Test(t, func(t *testing.T) {
		over, disk := make(chan struct{}), newHanging()
		memory := pkgsftp.InMemHandler()
		memory.FilePut, memory.FileCmd = disk, disk
		f.memory = &memory
		deps.Dial = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go f.session(newEager(theirs, over))
			return newEager(ours, over), nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-disk.asked; cancel() }()
		start := time.Now()
		_, err := actiontest.New(t, sftp.New, deps).Execute(ctx, req)
		if took := time.Since(start); !errors.Is(err, context.Canceled) || took > time.Minute {
			t.Errorf("error %v after %v, want that of the context", err, took)
		}
		close(disk.release)
		close(over)
	})
}

// A server that never closes its side of the channel does not hold a delivery that is complete.
func TestChannelStaysOpen(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.open = make(chan struct{})
	i := f.start(t, nil)
	t.Cleanup(func() { close(f.open) })
	if _, err := i.Execute(t.Context(), request(t, f.params(), orders, "a")); err != nil {
		t.Fatal(err)
	}
	if got := f.files(t)["orders.csv"]; got != "a" {
		t.Errorf("the file has %q", got)
	}
}
