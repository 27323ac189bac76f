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
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/objectstore"
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

// connect signs in. It does not retry, because servers lock out users who sign in too often.
func (i *Integration) connect(ctx context.Context, s server) (*connection, error) {
	config, attempt, err := s.credentials().Config()
	if err != nil {
		return nil, err
	}
	if config.HostKeyCallback, config.HostKeyAlgorithms, err = i.hostKeys.Verify(s.Address.hostPort(), s.HostKey); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, signInTimeout, action.Errorf(action.Timeout, "The SFTP server did not answer in time."))
	defer cancel()
	conn, err := i.deps.Dial(ctx, "tcp", s.Address.hostPort())
	if err != nil {
		return nil, outbound.ConnectionError(ctx, err, "the SFTP server")
	}
	unbind := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := handshake(conn, s.Address.hostPort(), config)
	if !unbind() && err == nil { // the time ran out after the sign-in
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
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

// write uses a temporary name first, so that a file with the final name is always complete.
func (c *connection) write(ctx context.Context, folder string, d objectstore.Delivery) error {
	target := path.Join(folder, d.Name)
	if err := c.run(ctx, 0, func() error { return c.prepare(folder, target, d.NoOverwrite) }); err != nil {
		return err
	}
	// The name is short, because most file systems allow 255 bytes. It is in the same folder, because a
	// file can be renamed only within one file system.
	temporary := path.Join(path.Dir(target), ".integration-hub-"+rand.Text()+".part")
	err := c.run(ctx, pendingTimeout, func() error {
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
			return explain("creating folders", err)
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
		return explain("checking the file", err)
	}
	return action.InvalidField("filename", "A file with this name already exists.")
}

// inFlight is the number of concurrent packets of 32 KiB. They make up for a long round trip.
const inFlight = 64

// send writes the data to a new file and checks that it is complete.
func (c *connection) send(ctx context.Context, name string, data action.Data) error {
	src, err := data.Open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	f, err := c.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return explain("creating the file", err)
	}
	defer f.Close()
	in := &source{Reader: panics.Reader(src)} // the library reads on a goroutine of its own
	n, err := f.ReadFromWithConcurrency(in, inFlight)
	switch {
	case ctx.Err() != nil: // a lost connection also ends the reading
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
		return explain("checking the file", statErr)
	}
	return nil
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
	_, atomic := c.files.HasExtension("posix-rename@openssh.com")
	if atomic && !keep {
		return renaming(c.files.PosixRename(temporary, target))
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
		return renaming(err)
	}
	if err := c.files.Rename(temporary, target); err != nil {
		return action.Wrap(errors.Join(errStranded, err), action.Unavailable,
			"The SFTP server removed the file that was there, but did not rename the new one, which is %s.", path.Base(temporary))
	}
	return nil
}

// remove removes the temporary file, over another connection if this one is lost.
func (c *connection) remove(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	if err := c.files.Remove(name); err == nil || errors.Is(err, fs.ErrNotExist) {
		return
	}
	if other, err := c.reconnect(ctx); err == nil {
		defer context.AfterFunc(ctx, func() { _ = other.conn.Close() })()
		defer other.close()
		_ = other.files.Remove(name) // if this fails, the name shows what the file is
	}
}
