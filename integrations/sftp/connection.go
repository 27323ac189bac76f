package sftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/panics"
)

const (
	// signInTimeout bounds everything up to the first file operation.
	signInTimeout = 30 * time.Second
	// A server is asked so often whether it is still there, and must answer so soon. That also
	// keeps firewalls from forgetting a connection whose data is slow to come.
	aliveEvery, aliveWithin = 30 * time.Second, time.Minute
)

// connection is a session with a server.
type connection struct {
	files *sftp.Client
	ssh   *ssh.Client
	conn  net.Conn
	// again makes another connection, to clean up after one that broke.
	again func(context.Context) (*connection, error)
	done  chan struct{}
}

// connect signs in. It is not tried again: servers lock users out who sign in too often.
func (i *Integration) connect(ctx context.Context, s server) (*connection, error) {
	auth, err := s.auth()
	if err != nil {
		return nil, err
	}
	check, algorithms, err := i.verify(s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, signInTimeout, action.Errorf(action.Timeout, "The SFTP server did not answer in time."))
	defer cancel()
	conn, err := i.deps.Dial(ctx, "tcp", s.Address.hostPort())
	if err != nil {
		return nil, outbound.ConnectionError(ctx, err, "the SFTP server")
	}
	unbind := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := handshake(conn, s.Address.hostPort(), &ssh.ClientConfig{
		User: strings.TrimSpace(s.Username), Auth: auth, HostKeyCallback: check, HostKeyAlgorithms: algorithms,
	})
	if !unbind() && err == nil { // the time ended at the last moment
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, explainSignIn(ctx, err)
	}
	c.again = func(ctx context.Context) (*connection, error) { return i.connect(ctx, s) }
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

// auth are the ways to sign in. Many servers ask for the password by keyboard-interactive only
// (RFC 4256).
func (s *server) auth() ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if text := strings.TrimSpace(s.PrivateKey.Reveal()); text != "" {
		signer, err := parseKey(text, s.Passphrase.Reveal())
		if err != nil {
			return nil, err
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if password := s.Password.Reveal(); password != "" {
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, echos []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for n := range questions {
					if !echos[n] {
						answers[n] = password
					}
				}
				return answers, nil
			}))
	}
	return methods, nil
}

// parseKey reads a private key. The library's errors are dropped, for they are of no help.
func parseKey(text, passphrase string) (ssh.Signer, error) {
	pem := []byte(strings.ReplaceAll(text, `\n`, "\n") + "\n")
	signer, err := ssh.ParsePrivateKey(pem)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if passphrase == "" {
			return nil, action.Errorf(action.Invalid, "The private key has a passphrase. Enter it in the action's settings in Looker.")
		}
		if signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(passphrase)); err != nil {
			return nil, action.Errorf(action.Invalid, "The passphrase is not that of the private key. Check both in the action's "+
				"settings in Looker.")
		}
	}
	if err != nil {
		return nil, action.Errorf(action.Invalid, "The private key cannot be read. Enter it as it is in its file, with its first "+
			"and last line, in the action's settings in Looker.")
	}
	return signer, nil
}

// keepAlive ends the connection to a server that does not answer any more.
func (c *connection) keepAlive() error {
	ticker := time.NewTicker(aliveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-c.done:
			return nil
		case <-ticker.C:
		}
		late := time.AfterFunc(aliveWithin, func() { _ = c.conn.Close() })
		_, _, err := c.ssh.SendRequest("keepalive@openssh.com", true, nil) // a refusal is an answer too
		late.Stop()
		if err != nil {
			return err
		}
	}
}

// close ends the session.
// close ends the TCP connection first: the SFTP client waits until the server has closed its
// side of the channel, which one that hangs never does.
func (c *connection) close() {
	close(c.done)
	_ = c.conn.Close()
	_ = c.files.Close()
	_ = c.ssh.Close()
}

var errLost = action.Errorf(action.Unavailable, "The connection to the SFTP server was lost before the file was complete.")

// lost returns once the connection is over.
func (c *connection) lost() error {
	_ = c.ssh.Wait()
	return errLost
}

// explainSignIn turns the libraries' errors into the hub's.
func explainSignIn(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*action.Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok {
		return action.Wrap(err, action.Invalid, "The SFTP server and the hub have no algorithms in common: the server's are out of "+
			"date, or it has no host key of the kind that is known.")
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("signing in: %w", context.Cause(ctx))
	case strings.Contains(err.Error(), "unable to authenticate"): // the library has no type for it
		return action.Wrap(errors.New("signing in: refused"), action.Unauthenticated, "The SFTP server does not accept this user "+
			"name with this password or key.")
	}
	return outbound.ConnectionError(ctx, fmt.Errorf("signing in: %w", err), "the SFTP server")
}
