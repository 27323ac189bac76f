package sftp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/pkg/sftp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/objectstore"
)

const (
	// abortTimeout is for removing what a delivery left, whose own time may be over.
	abortTimeout = 30 * time.Second
	// pendingTimeout is what the packets of a file that are under way get once the delivery's
	// time is over: a connection that still works then also removes the temporary file.
	pendingTimeout = 5 * time.Second
)

// write puts a file under another name first: what has the file's own name is always whole.
func (c *connection) write(ctx context.Context, folder string, d objectstore.Delivery) error {
	target := path.Join(folder, d.Name)
	if err := c.until(ctx, 0, func() error { return c.prepare(folder, target, d.NoOverwrite) }); err != nil {
		return err
	}
	// A short name in the same folder: names have 255 bytes in most, and renaming works only
	// within one file system.
	temporary := path.Join(path.Dir(target), ".integration-hub-"+rand.Text()+".part")
	err := c.until(ctx, pendingTimeout, func() error {
		if err := c.send(ctx, temporary, d.Data); err != nil {
			return err
		}
		return c.rename(temporary, target, d.NoOverwrite)
	})
	if err != nil && !errors.Is(err, errStranded) {
		c.remove(ctx, temporary)
	}
	return err
}

// until runs an operation, and closes the connection when the context ends and the operation
// does not return soon after: the library's calls take no context, and wait for as long as the
// server keeps the connection open.
func (c *connection) until(ctx context.Context, grace time.Duration, operation func() error) error {
	returned := make(chan struct{})
	defer close(returned)
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			_ = c.conn.Close()
		case <-returned:
		}
	})
	defer stop()
	err := operation()
	if errors.Is(err, errLost) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// prepare looks whether the file can be written at all before anything is sent, and makes the
// folders that its name asks for below the address's.
func (c *connection) prepare(folder, target string, keep bool) error {
	switch _, err := c.files.Stat(folder); {
	case errors.Is(err, fs.ErrNotExist):
		return action.Wrap(err, action.NotFound, "The folder of the address does not exist on the SFTP server.")
	case err != nil && !refused(err): // there are folders that one may write to and not look at
		return explain("looking at the folder", err)
	}
	if dir := path.Dir(target); dir != path.Clean(folder) {
		if err := c.files.MkdirAll(dir); err != nil {
			return explain("making folders", err)
		}
	}
	if keep {
		return c.checkAbsent(target)
	}
	return nil
}

func (c *connection) checkAbsent(target string) error {
	switch _, err := c.files.Lstat(target); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return explain("looking for the file", err)
	}
	return action.InvalidField("filename", "A file with this name already exists.")
}

// inFlight is how many packets of 32 KiB are under way at once: it makes up for the distance.
const inFlight = 64

// send writes the data to a new file and makes sure that all of it arrived.
func (c *connection) send(ctx context.Context, name string, data action.Data) error {
	src, err := data.Open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	f, err := c.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return explain("making the file", err)
	}
	defer f.Close()
	in := &source{Reader: panics.Reader(src)} // the library reads on a goroutine of its own
	n, err := f.ReadFromWithConcurrency(in, inFlight)
	switch {
	case ctx.Err() != nil: // also a connection that was lost ends the reading
		return context.Cause(ctx)
	case in.err != nil:
		return fmt.Errorf("reading the data: %w", in.err)
	case err != nil:
		return explain("sending", err)
	}
	if _, ok := c.files.HasExtension("fsync@openssh.com"); ok {
		if err := f.Sync(); err != nil {
			return explain("saving the file", err)
		}
	}
	info, statErr := f.Stat()
	if err := f.Close(); err != nil {
		return explain("closing the file", err)
	}
	switch {
	case statErr == nil && info.Size() != n:
		return action.Errorf(action.Unavailable, "The SFTP server has %d bytes of the file's %d.", info.Size(), n)
	case statErr != nil && !refused(statErr):
		return explain("looking at the file", statErr)
	}
	return nil
}

// source notes how reading ended: the library takes every error that wraps io.EOF for the end.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// errStranded marks an error after which the temporary file is all there is.
var errStranded = errors.New("the file is left under its temporary name")

// rename gives the file its name. OpenSSH's extension replaces another file in one step, which
// SFTP itself cannot (draft-ietf-secsh-filexfer-02, section 6.5).
func (c *connection) rename(temporary, target string, keep bool) error {
	_, atomic := c.files.HasExtension("posix-rename@openssh.com")
	if atomic && !keep {
		return renaming(c.files.PosixRename(temporary, target))
	}
	err := c.files.Rename(temporary, target)
	if err == nil || !refused(err) {
		return renaming(err)
	}
	if _, absent := c.files.Lstat(target); absent != nil {
		return renaming(err) // not because of another file
	}
	if keep {
		return c.checkAbsent(target)
	}
	if err := c.files.Remove(target); err != nil {
		return renaming(err)
	}
	if err := c.files.Rename(temporary, target); err != nil {
		return action.Wrap(errors.Join(errStranded, err), action.Unavailable,
			"The SFTP server removed the file that was there, but did not rename the new one, which is %s.", path.Base(temporary))
	}
	return nil
}

// renaming explains why a file did not get its name, or why nobody knows.
func renaming(err error) error {
	if err == nil || refused(err) {
		return explain("renaming the file", err)
	}
	return action.Wrap(err, action.Unavailable, "The connection to the SFTP server was lost while the file got its name. It may "+
		"already be there. Check before retrying.")
}

// refused reports that the server said no, and not that it said nothing.
func refused(err error) bool {
	_, ok := errors.AsType[*sftp.StatusError](err)
	return ok || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
}

// remove removes what was sent, over another connection if this one is lost.
func (c *connection) remove(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	if err := c.files.Remove(name); err == nil || errors.Is(err, fs.ErrNotExist) {
		return
	}
	if again, err := c.again(ctx); err == nil {
		defer context.AfterFunc(ctx, func() { _ = again.conn.Close() })()
		defer again.close()
		_ = again.files.Remove(name) // its name tells what it is
	}
}

// explain turns a server's refusal into the hub's error. SFTP's codes say little
// (draft-ietf-secsh-filexfer-02, section 7).
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	status, known := errors.AsType[*sftp.StatusError](err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return action.Wrap(err, action.Forbidden, "The SFTP server does not allow the user to write the file there.")
	case errors.Is(err, syscall.ENOTDIR): // the library's own word
		return action.Wrap(err, action.Invalid, "There is a file on the SFTP server where the file's name needs a folder.")
	case errors.Is(err, fs.ErrNotExist):
		return action.Wrap(err, action.NotFound, "The folder does not exist on the SFTP server.")
	case known && strings.Contains(strings.ToLower(status.Error()), "quota"):
		return action.Wrap(err, action.Invalid, "There is no more room for the user on the SFTP server.")
	case known:
		return action.Wrap(err, action.Invalid, "The SFTP server refused the file: it may have no more room, or the name may be one "+
			"that it cannot have.")
	}
	return fmt.Errorf("%w (%w)", errLost, err)
}
