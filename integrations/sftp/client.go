package sftp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"slices"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/objectstore"
	"integrationhub.dev/integrations/internal/sshauth"
)

const (
	// signInTimeout limits everything before the first file operation.
	signInTimeout = 30 * time.Second
	// Keep-alive requests detect a server that is gone. They also keep firewalls from dropping a
	// connection while data is slow to arrive.
	keepAliveInterval, keepAliveTimeout = 30 * time.Second, time.Minute
)

// connection is a session with a server.
type connection struct {
	files *sftp.Client
	ssh   *ssh.Client
	conn  net.Conn
	// reconnect makes another connection, to clean up after a lost one.
	reconnect func(context.Context) (*connection, error)
	done      chan struct{}
}

// connect signs in. It does not retry, because servers lock out users who sign in too often. Only if the host key is not
// the configured one, it asks for a key of another type, before it sends anything.
func (i *Integration) connect(ctx context.Context, s server) (*connection, error) {
	config, attempt, err := s.credentials().Config()
	if err != nil {
		return nil, err
	}
	if config.HostKeyCallback, config.HostKeyAlgorithms, err = i.hostKeys.Verify(s.Address.hostPort(), s.HostKey); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, signInTimeout, action.Errorf(action.Timeout, "The SFTP server did not respond in time."))
	defer cancel()
	c, err := i.signIn(ctx, s.Address.hostPort(), config)
	first := err
	for {
		other, ok := errors.AsType[*sshauth.OtherKeyError](err)
		if !ok {
			break
		}
		config.HostKeyAlgorithms = slices.DeleteFunc(slices.Clone(config.HostKeyAlgorithms), func(a string) bool {
			return slices.Contains(other.Algorithms, a)
		})
		if len(config.HostKeyAlgorithms) == 0 {
			break
		}
		c, err = i.signIn(ctx, s.Address.hostPort(), config)
		if _, none := errors.AsType[*ssh.AlgorithmNegotiationError](err); none { // it has no more keys
			err = first
			break
		}
	}
	if err != nil {
		return nil, explainSignIn(ctx, err, attempt)
	}
	c.reconnect = func(ctx context.Context) (*connection, error) { return i.connect(ctx, s) }
	panics.Go(c.keepAlive, func(err error) {
		if panics.Of(err) != nil {
			i.deps.Log.ErrorContext(ctx, "keeping an SFTP connection alive", "error", err)
		}
	})
	return c, nil
}

// signIn makes one attempt.
func (i *Integration) signIn(ctx context.Context, hostPort string, config *ssh.ClientConfig) (*connection, error) {
	conn, err := i.deps.Dial(ctx, "tcp", hostPort)
	if err != nil {
		return nil, outbound.ConnectionError(ctx, err, "the SFTP server")
	}
	unbind := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := handshake(conn, hostPort, config)
	if !unbind() && err == nil { // the time ran out after the sign-in
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
	}
	return c, err
}

func handshake(conn net.Conn, hostPort string, config *ssh.ClientConfig) (*connection, error) {
	under, channels, requests, err := ssh.NewClientConn(conn, hostPort, config)
	if err != nil {
		return nil, err
	}
	client := ssh.NewClient(under, channels, requests)
	files, err := sftp.NewClient(client)
	if err != nil {
		return nil, fmt.Errorf("beginning SFTP: %w", err)
	}
	return &connection{files: files, ssh: client, conn: conn, done: make(chan struct{})}, nil
}

// keepAlive closes the connection if the server stops answering.
func (c *connection) keepAlive() error {
	ticker := time.NewTicker(keepAliveInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.done:
			return nil
		case <-ticker.C:
		}
		timer := time.AfterFunc(keepAliveTimeout, func() { _ = c.conn.Close() })
		_, _, err := c.ssh.SendRequest("keepalive@openssh.com", true, nil) // servers that do not support it answer too
		timer.Stop()
		if err != nil {
			return err
		}
	}
}

// close closes the TCP connection first: the SFTP client would wait until the server closes its side of
// the channel, which a hanging server never does.
func (c *connection) close() {
	close(c.done)
	_ = c.conn.Close()
	_ = c.files.Close()
	_ = c.ssh.Close()
}

// lost returns when the connection ends.
func (c *connection) lost() error {
	_ = c.ssh.Wait()
	return errLost
}

const (
	// abortTimeout limits the removal of a temporary file. The delivery itself may have timed out.
	abortTimeout = 30 * time.Second
	// pendingTimeout is how long a file operation may continue after the delivery's context has ended.
	// If it ends in time, the connection can still remove the temporary file.
	pendingTimeout = 5 * time.Second
)

// write writes the file as the user chose.
func (c *connection) write(ctx context.Context, folder string, d objectstore.Delivery, u upload) error {
	target := path.Join(folder, d.Name)
	if err := c.run(ctx, 0, func() error { return c.prepare(folder, target, d.NoOverwrite) }); err != nil {
		return err
	}
	if u == inPlace {
		return c.writeInPlace(ctx, target, d)
	}
	return c.writeTemporary(ctx, target, d)
}

// writeTemporary uses a temporary name first, so that a file with the final name is always complete.
func (c *connection) writeTemporary(ctx context.Context, target string, d objectstore.Delivery) error {
	// The name is short, because most file systems allow 255 bytes. It is in the same folder, because a
	// file can be renamed only within one file system.
	temporary := path.Join(path.Dir(target), ".integration-hub-"+rand.Text()+".part")
	if err := c.run(ctx, 0, func() error { return c.checkRename(temporary, d.NoOverwrite) }); err != nil {
		return err
	}
	created := false
	err := c.run(ctx, pendingTimeout, func() (err error) {
		if created, err = c.send(ctx, temporary, os.O_EXCL, d.Data); err != nil {
			return err
		}
		return c.rename(temporary, target, d.NoOverwrite)
	})
	if err != nil && !errors.Is(err, errStranded) && (created || !refused(err)) { // it may exist if the connection was lost
		return c.discard(ctx, temporary, err)
	}
	return err
}

// writeInPlace uses the final name, for servers that do not allow renaming. An incomplete file is removed.
func (c *connection) writeInPlace(ctx context.Context, target string, d objectstore.Delivery) error {
	flags := os.O_TRUNC
	if d.NoOverwrite {
		flags = os.O_EXCL
	}
	created := false
	err := c.run(ctx, pendingTimeout, func() (err error) {
		created, err = c.send(ctx, target, flags, d.Data)
		return err
	})
	switch {
	case err != nil && created:
		return c.discard(ctx, target, err)
	case err != nil && d.NoOverwrite && refused(err): // the file may be new since prepare
		if exists := c.run(ctx, pendingTimeout, func() error { return c.checkAbsent(target) }); action.KindOf(exists) == action.Invalid {
			return exists
		}
	}
	return err
}

// checkRename fails if the server forbids renaming, before a file is sent that could then be neither renamed nor
// removed. It renames a file that does not exist, which leaves nothing. A server that also forbids looking for
// such a file answers everything alike, so its answer says nothing.
func (c *connection) checkRename(temporary string, keep bool) error {
	to := temporary + "2"
	var err error
	if _, atomic := c.files.HasExtension(posixRename); atomic && !keep {
		err = c.files.PosixRename(temporary, to)
	} else {
		err = c.files.Rename(temporary, to)
	}
	if !forbidden(err) {
		return nil
	}
	if _, absent := c.files.Lstat(temporary); !errors.Is(absent, fs.ErrNotExist) {
		return nil
	}
	return renaming(err)
}

// run runs an operation, and closes the connection if the context ends and the operation does not return
// within the grace period. The library's calls have no context, and wait for as long as the server keeps
// the connection open.
func (c *connection) run(ctx context.Context, grace time.Duration, operation func() error) error {
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

// prepare checks that the file can be written before anything is sent, and creates the folders in its
// name below the address's folder.
func (c *connection) prepare(folder, target string, keep bool) error {
	switch _, err := c.files.Stat(folder); {
	case errors.Is(err, fs.ErrNotExist):
		return action.Wrap(err, action.NotFound, "The folder of the address does not exist on the SFTP server.")
	case err != nil && !refused(err): // a folder can be writable but not readable
		return explain("checking the folder", err)
	}
	if dir := path.Dir(target); dir != path.Clean(folder) {
		if err := c.files.MkdirAll(dir); err != nil {
			return explain(creatingFolders, err)
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
		return explain(checkingFile, err)
	}
	return action.InvalidField("filename", "A file with this name already exists.")
}

// inFlight is the number of concurrent packets of 32 KiB. They make up for a long round trip.
const inFlight = 64

// send writes the data to a file and checks that it is complete. created reports whether the file was created, even if
// it is incomplete.
func (c *connection) send(ctx context.Context, name string, flags int, data action.Data) (created bool, err error) {
	src, err := data.Open(ctx)
	if err != nil {
		return false, err
	}
	defer src.Close()
	f, err := c.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|flags)
	if err != nil {
		return false, explain("creating the file", err)
	}
	defer f.Close()
	in := &source{Reader: panics.Reader(src)} // the library reads on a goroutine of its own
	n, err := f.ReadFromWithConcurrency(in, inFlight)
	switch {
	case ctx.Err() != nil: // a lost connection also ends the reading
		return true, context.Cause(ctx)
	case in.err != nil:
		return true, fmt.Errorf("reading the data: %w", in.err)
	case err != nil:
		return true, explain("sending", err)
	}
	if _, ok := c.files.HasExtension("fsync@openssh.com"); ok {
		if err := f.Sync(); err != nil {
			return true, explain("saving the file", err)
		}
	}
	if err := f.Close(); err != nil {
		return true, explain("closing the file", err)
	}
	return true, c.checkSize(ctx, name, n)
}

// sizeDelays are the pauses before the size is asked for. Servers that pass files on, for example to an object
// store, know it some time after the file was closed.
var sizeDelays = []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second}

// checkSize compares the size of a file that is closed: before, some servers report less. It cannot do so if the server
// forbids looking at files, or has already passed this one on.
func (c *connection) checkSize(ctx context.Context, name string, size int64) error {
	var info os.FileInfo
	for _, delay := range sizeDelays {
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		var err error
		switch info, err = c.files.Stat(name); {
		case err != nil && refused(err):
			return nil
		case err != nil:
			return explain(checkingFile, err)
		case info.Size() == size:
			return nil
		}
	}
	return action.Errorf(action.Unavailable, "The SFTP server has %d bytes of the file's %d.", info.Size(), size)
}

// source records how reading ended, since the library treats every error that wraps io.EOF as the end.
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

// rename gives the file its final name. OpenSSH's extension replaces an existing file atomically, which
// SFTP itself cannot do (draft-ietf-secsh-filexfer-02, section 6.5).
func (c *connection) rename(temporary, target string, keep bool) error {
	if _, atomic := c.files.HasExtension(posixRename); atomic && !keep {
		err := c.files.PosixRename(temporary, target)
		if status, ok := errors.AsType[*sftp.StatusError](err); !ok || status.FxCode() != sftp.ErrSSHFxOpUnsupported {
			return renaming(err)
		}
	}
	err := c.files.Rename(temporary, target)
	if err == nil || !refused(err) {
		return renaming(err)
	}
	if _, absent := c.files.Lstat(target); absent != nil {
		return renaming(err) // the cause is not an existing file
	}
	if keep {
		return c.checkAbsent(target)
	}
	if err := c.files.Remove(target); err != nil {
		return replacing(err)
	}
	if err := c.files.Rename(temporary, target); err != nil {
		return action.Wrap(errors.Join(errStranded, err), action.Unavailable,
			"The SFTP server removed the file that was there, but did not rename the new one, which is %s.", path.Base(temporary))
	}
	return nil
}

const posixRename = "posix-rename@openssh.com"

// discard removes an incomplete file, and returns the error that ended the delivery. It names the file if the server
// forbids removing it.
func (c *connection) discard(ctx context.Context, name string, err error) error {
	left := c.remove(ctx, name)
	e, ok := errors.AsType[*action.Error](err)
	if !ok || left == nil || !refused(left) {
		return err
	}
	return action.Wrap(errors.Join(err, left), e.Kind, "%s The file %s is left on the server, which does not allow it to be removed.",
		e.Message, path.Base(name))
}

// remove removes a file, over another connection if this one is lost.
func (c *connection) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	err := c.files.Remove(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if other, err := c.reconnect(ctx); err == nil {
		defer context.AfterFunc(ctx, func() { _ = other.conn.Close() })()
		defer other.close()
		return other.files.Remove(name) // if this fails, the name shows what the file is
	}
	return err
}
