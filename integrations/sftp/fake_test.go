package sftp_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/sftp"
)

const password = "s3cret"

// fake is an SSH server with the SFTP server of pkg/sftp behind it, which writes into a folder
// of the test's.
type fake struct {
	dir      string
	listener net.Listener
	hostKeys []ssh.Signer
	// users are the user's keys that are taken, beside the password.
	users []ssh.PublicKey
	// interactive asks for the password by keyboard-interactive only.
	interactive bool
	// configure, unless nil, changes the server's configuration.
	configure func(*ssh.ServerConfig)
	// memory, unless nil, is written to in place of the folder.
	memory *pkgsftp.Handlers
	// open, unless nil, keeps the server's side of each channel open until it is closed.
	open chan struct{}
	// cut, unless 0, closes the first connection once so many bytes have come.
	cut int

	mu     sync.Mutex
	dialed []string
	logins []string // by which method
}

func newKey() (ssh.Signer, ed25519.PrivateKey) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		panic(err)
	}
	return signer, private
}

func newRSAKey() ssh.Signer {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		panic(err)
	}
	return signer
}

// newFake makes a server with a folder "my reports".
func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(f.dir, "my reports"), 0o700); err != nil {
		t.Fatal(err)
	}
	key, _ := newKey()
	f.hostKeys = []ssh.Signer{key}
	return f
}

func (f *fake) folder() string { return filepath.Join(f.dir, "my reports") }

// serve listens until the test ends.
func (f *fake) serve(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.listener = l
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	all.Go(func() {
		for first := true; ; first = false {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if first && f.cut > 0 {
				conn = &cutConn{Conn: conn, left: f.cut}
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			all.Go(func() { f.session(conn) })
		}
	})
}

// cutConn breaks after so many bytes.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (f *fake) session(conn net.Conn) {
	defer conn.Close()
	config := &ssh.ServerConfig{}
	f.mu.Lock()
	for _, k := range f.hostKeys {
		config.AddHostKey(k)
	}
	f.mu.Unlock()
	login := func(method string, ok bool) (*ssh.Permissions, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !ok {
			f.logins = append(f.logins, method+" refused")
			return nil, io.ErrNoProgress
		}
		f.logins = append(f.logins, method)
		return nil, nil
	}
	config.PublicKeyCallback = func(m ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		return login("key", m.User() == "looker" && slices.ContainsFunc(f.users, func(k ssh.PublicKey) bool { return string(k.Marshal()) == string(key.Marshal()) }))
	}
	if f.interactive {
		config.KeyboardInteractiveCallback = func(m ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			return login("interactive", err == nil && m.User() == "looker" && len(answers) == 1 && answers[0] == password)
		}
	} else {
		config.PasswordCallback = func(m ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			return login("password", m.User() == "looker" && string(p) == password)
		}
	}
	if f.configure != nil {
		f.configure(config)
	}
	under, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer under.Close()
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.UnknownChannelType, "")
			continue
		}
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem" && string(r.Payload[4:]) == "sftp", nil)
			}
		}()
		if f.memory != nil {
			_ = pkgsftp.NewRequestServer(channel, *f.memory).Serve()
			_ = channel.Close()
			continue
		}
		if f.open != nil {
			stay := channel
			channel = openChannel{stay}
			defer func() { <-f.open }()
		}
		files, err := pkgsftp.NewServer(channel, pkgsftp.WithServerWorkingDirectory(f.dir))
		if err != nil {
			return
		}
		_ = files.Serve()
		_ = channel.Close()
	}
}

// openChannel is a server's side of a channel that is never closed.
type openChannel struct{ ssh.Channel }

func (openChannel) Close() error { return nil }

// show makes the server show another host key from now on.
func (f *fake) show(key ssh.Signer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hostKeys = []ssh.Signer{key}
}

// seen are the addresses that were dialled and the sign-ins that were tried, so far.
func (f *fake) seen() (dialed, logins []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.dialed), slices.Clone(f.logins)
}

// start makes an integration whose connections all lead to the server.
func (f *fake) start(t *testing.T, env answers) action.Integration {
	t.Helper()
	f.serve(t)
	deps := actiontest.Deps(t, nil, env)
	deps.Dial = func(ctx context.Context, network, at string) (net.Conn, error) {
		f.mu.Lock()
		f.dialed = append(f.dialed, at)
		f.mu.Unlock()
		return new(net.Dialer).DialContext(ctx, network, f.listener.Addr().String())
	}
	return actiontest.New(t, sftp.New, deps)
}

// files are those of the server's folder.
func (f *fake) files(t *testing.T) map[string]string {
	t.Helper()
	return filesIn(t, f.folder())
}

// filesIn are those of a folder, by their paths below it.
func filesIn(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(folder, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		all[strings.TrimPrefix(name, folder+"/")] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func publicKey(k ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey())))
}

func pemKey(k ed25519.PrivateKey, passphrase string) string {
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(k, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(k, "", []byte(passphrase))
	}
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(block))
}
