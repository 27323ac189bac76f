package sftp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	pkgsftp "github.com/pkg/sftp"

	"integrationhub.dev/hub/action"
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

// dropFolder is a server with a folder in memory, on which some operations are forbidden.
type dropFolder struct {
	pkgsftp.Handlers
	// forbidden are the methods that are refused, by their names in pkg/sftp.
	forbidden []string
	// onlyExisting refuses to rename files that exist, and says so of no others.
	onlyExisting bool
	// moved makes a complete file disappear.
	moved bool
	// late is how often a wrong size is reported.
	late int

	// refusal is the error for what is forbidden.
	refusal error

	mu    sync.Mutex
	calls []string
}

// serve makes the fake use the folder.
func (d *dropFolder) serve(f *fake) {
	memory := pkgsftp.InMemHandler()
	d.Handlers = memory
	if d.refusal == nil {
		d.refusal = pkgsftp.ErrSSHFxPermissionDenied
	}
	f.memory = &pkgsftp.Handlers{FileGet: memory.FileGet, FilePut: d, FileCmd: d, FileList: d}
}

func (d *dropFolder) call(method, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, method)
	if !slices.Contains(d.forbidden, method) {
		return nil
	}
	if d.onlyExisting && !d.exists(name) {
		return os.ErrNotExist
	}
	return d.refusal
}

func (d *dropFolder) exists(name string) bool {
	_, err := d.FileList.Filelist(pkgsftp.NewRequest("Stat", name))
	return err == nil
}

func (d *dropFolder) Filewrite(r *pkgsftp.Request) (io.WriterAt, error) {
	if err := d.call("Put", r.Filepath); err != nil {
		return nil, err
	}
	return d.FilePut.Filewrite(r)
}

func (d *dropFolder) Filecmd(r *pkgsftp.Request) error {
	if err := d.call(r.Method, r.Filepath); err != nil {
		return err
	}
	if d.moved && r.Method == "Rename" {
		return os.ErrNotExist
	}
	return d.FileCmd.Filecmd(r)
}

func (d *dropFolder) PosixRename(r *pkgsftp.Request) error {
	if err := d.call("Rename", r.Filepath); err != nil {
		return err
	}
	if d.moved {
		return os.ErrNotExist
	}
	return d.FileCmd.(pkgsftp.PosixRenameFileCmder).PosixRename(r)
}

func (d *dropFolder) Lstat(r *pkgsftp.Request) (pkgsftp.ListerAt, error) {
	if err := d.call("Lstat", r.Filepath); err != nil {
		return nil, err
	}
	return d.Handlers.FileList.(pkgsftp.LstatFileLister).Lstat(r)
}

func (d *dropFolder) Filelist(r *pkgsftp.Request) (pkgsftp.ListerAt, error) {
	if err := d.call(r.Method, r.Filepath); err != nil {
		return nil, err
	}
	l, err := d.FileList.Filelist(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil && r.Method == "Stat" && r.Filepath != "/" && d.late > 0 {
		d.late--
		return shorter{l}, nil
	}
	return l, err
}

// shorter reports files of no bytes.
type shorter struct{ pkgsftp.ListerAt }

func (s shorter) ListAt(to []os.FileInfo, at int64) (int, error) {
	n, err := s.ListerAt.ListAt(to, at)
	for i := range to[:n] {
		to[i] = empty{to[i]}
	}
	return n, err
}

type empty struct{ os.FileInfo }

func (empty) Size() int64 { return 0 }

// files are those in the folder.
func (d *dropFolder) files(t *testing.T) map[string]string {
	t.Helper()
	l, err := d.FileList.Filelist(pkgsftp.NewRequest("List", "/"))
	if err != nil {
		t.Fatal(err)
	}
	infos := make([]os.FileInfo, 10)
	n, err := l.ListAt(infos, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, info := range infos[:n] {
		read := pkgsftp.NewRequest("Get", "/"+info.Name())
		read.Flags = 1 // SSH_FXF_READ
		r, err := d.FileGet.Fileread(read)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(io.NewSectionReader(r, 0, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		all[info.Name()] = string(content)
	}
	return all
}

// dropParams are the settings for a folder in memory.
func dropParams(f *fake) answers {
	return with(f.params(), answers{"address": "sftp://files.example.com/"})
}

// Servers that forbid what a file under a temporary name needs. The error says what is forbidden and what to choose, and is
// known before the file is sent, so that nothing is left if it could not be removed.
func TestForbidden(t *testing.T) {
	t.Parallel()
	const inPlace = ` Choose "In place" for Upload.`
	const mayNotRename = "The SFTP server does not allow the user to rename files." + inPlace
	for name, tt := range map[string]struct {
		server *dropFolder
		form   answers
		error  string
		sent   bool
	}{
		"renaming":              {&dropFolder{forbidden: []string{"Rename"}}, nil, mayNotRename, false},
		"renaming and removing": {&dropFolder{forbidden: []string{"Rename", "Remove"}}, nil, mayNotRename, false},
		"renaming, without replacing": {
			&dropFolder{forbidden: []string{"Rename", "Remove"}},
			answers{"overwrite": "fail"},
			mayNotRename, false,
		},
		"renaming, as a failure with words": {&dropFolder{forbidden: []string{"Rename", "Remove"}, refusal: errors.New("Operation not permitted")}, nil, mayNotRename, false},
		"renaming, unsupported":             {&dropFolder{forbidden: []string{"Rename", "Remove"}, refusal: pkgsftp.ErrSSHFxOpUnsupported}, nil, mayNotRename, false},
		"renaming of existing files":        {&dropFolder{forbidden: []string{"Rename"}, onlyExisting: true}, nil, mayNotRename, true},
		"files that are moved away": {&dropFolder{moved: true}, nil, "The file was no longer on the SFTP server when it was to be renamed. The " +
			"server may move new files away." + inPlace, true},
		"writing":             {&dropFolder{forbidden: []string{"Put"}}, nil, "The SFTP server does not allow the user to write the file there.", true},
		"creating folders":    {&dropFolder{forbidden: []string{"Mkdir"}}, answers{"filename": "sub/orders.csv"}, "The SFTP server does not allow the user to create the folders in the file name.", false},
		"looking at a file":   {&dropFolder{forbidden: []string{"Lstat"}}, answers{"overwrite": "fail"}, "The SFTP server does not allow the user to check for an existing file. Choose to replace it, or to append the time to the name.", false},
		"looking at any file": {&dropFolder{forbidden: []string{"Lstat", "Stat"}}, nil, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := newFake(t), tt.server
			d.serve(f)
			_, err := f.start(t, nil).Execute(t.Context(), request(t, dropParams(f), with(orders, tt.form), "a"))
			if tt.error == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			if action.MessageOf(err) != tt.error {
				t.Errorf("error %v, want %q", err, tt.error)
			}
			if sent := slices.Contains(d.calls, "Put"); sent != tt.sent {
				t.Errorf("a file was sent: %v", sent)
			}
			if left := d.files(t); len(left) > 0 {
				t.Errorf("left on the server: %q", left)
			}
		})
	}
}

// If nothing can be removed either, the error names what is left.
func TestForbiddenToRemove(t *testing.T) {
	t.Parallel()
	f, d := newFake(t), &dropFolder{forbidden: []string{"Rename", "Remove"}, onlyExisting: true}
	d.serve(f)
	_, err := f.start(t, nil).Execute(t.Context(), request(t, dropParams(f), orders, "a"))
	if got := action.MessageOf(err); !regexp.MustCompile(`^The SFTP server does not allow the user to rename files\. Choose "In place" for Upload\. ` +
		`The file \.integration-hub-[A-Z0-9]+\.part is left on the server, which does not allow it to be removed\.$`).MatchString(got) {
		t.Errorf("error %v", err)
	}
}

// A file that is written in place needs no more than to be written.
func TestInPlace(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	d := &dropFolder{forbidden: []string{"Rename", "Remove", "Setstat", "Mkdir"}}
	d.serve(f)
	i := f.start(t, nil)
	deliver := func(overwrite, content string) string {
		_, err := i.Execute(t.Context(), request(t, dropParams(f), with(orders, answers{"upload": "in_place", "overwrite": overwrite}), content))
		if err == nil {
			return ""
		}
		return action.MessageOf(err)
	}
	for _, tt := range []struct{ overwrite, content, error, want string }{
		{"fail", text(300_000), "", text(300_000)},
		{"yes", "today's", "", "today's"},
		{"fail", "later", "A file with this name already exists.", "today's"},
	} {
		if got := deliver(tt.overwrite, tt.content); got != tt.error {
			t.Errorf("overwrite %s: error %q, want %q", tt.overwrite, got, tt.error)
		}
		if diff := cmp.Diff(map[string]string{"orders.csv": tt.want}, d.files(t)); diff != "" {
			t.Errorf("overwrite %s: files (-want +got):\n%s", tt.overwrite, diff)
		}
	}
}

// Data that breaks off is removed, also in place. Where that is forbidden, the error says that it is left.
func TestInPlaceBreaksOff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		forbidden []string
		left      bool
	}{"may remove": {nil, false}, "may not remove": {[]string{"Remove"}, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := newFake(t), &dropFolder{forbidden: tt.forbidden}
			d.serve(f)
			req := actiontest.Download(t, actiontest.Query(dropParams(f), with(orders, answers{"upload": "in_place"})), actiontest.BrokenDownload(text(200_000)))
			_, err := f.start(t, nil).Execute(t.Context(), req)
			if err == nil {
				t.Fatal("no error")
			}
			if says := strings.HasSuffix(action.MessageOf(err), "The file orders.csv is left on the server, which does not allow it to be removed."); says != tt.left {
				t.Errorf("error %v", err)
			}
			if left := len(d.files(t)) > 0; left != tt.left {
				t.Errorf("the file is left: %v", left)
			}
		})
	}
}

// A file that was in place is not removed if the new one could not be begun.
func TestInPlaceNotBegun(t *testing.T) {
	t.Parallel()
	f, d := newFake(t), &dropFolder{}
	d.serve(f)
	i := f.start(t, nil)
	inPlace := with(orders, answers{"upload": "in_place"})
	if _, err := i.Execute(t.Context(), request(t, dropParams(f), inPlace, "yesterday's")); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.forbidden = []string{"Put"}
	d.mu.Unlock()
	if _, err := i.Execute(t.Context(), request(t, dropParams(f), inPlace, "today's")); action.KindOf(err) != action.Forbidden {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(map[string]string{"orders.csv": "yesterday's"}, d.files(t)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// The size is that of the closed file, which some servers know only after a while, and others do not tell.
func TestSize(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server *dropFolder
		error  string
	}{
		"at once":   {&dropFolder{}, ""},
		"late":      {&dropFolder{late: 2}, ""},
		"not told":  {&dropFolder{forbidden: []string{"Stat"}}, ""},
		"too small": {&dropFolder{late: 1000}, "The SFTP server has 0 bytes of the file's 7."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := newFake(t), tt.server
			d.serve(f)
			_, err := f.start(t, nil).Execute(t.Context(), request(t, dropParams(f), orders, "a,b\n1,2"))
			if tt.error == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			if action.MessageOf(err) != tt.error {
				t.Errorf("error %v, want %q", err, tt.error)
			}
		})
	}
}
