//go:build servers

package sftp_test

import (
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/servertest"
	"integrationhub.dev/integrations/sftp"
)

// Against OpenSSH's server, by a key.
func TestServer(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	at, dir := servertest.Address(t), t.TempDir()
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	host, hostPrivate := newKey()
	login, loginPrivate := newKey()
	block, err := ssh.MarshalPrivateKey(hostPrivate, "")
	if err != nil {
		t.Fatal(err)
	}
	config := []string{
		"ListenAddress 127.0.0.1", "Port " + port, "HostKey " + write("host", string(pem.EncodeToMemory(block))),
		"AuthorizedKeysFile " + write("authorized", publicKey(login)), "StrictModes no", "UsePAM no", "PasswordAuthentication no",
		"PidFile none", "PermitRootLogin prohibit-password", "Subsystem sftp internal-sftp",
	}
	servertest.Start(t, at, nil, servertest.Program(t, "SSHD"), "-D", "-e", "-f", write("config", strings.Join(config, "\n")+"\n"))
	files := filepath.Join(dir, "my files")
	if err := os.Mkdir(files, 0o700); err != nil {
		t.Fatal(err)
	}
	servertest.Store{
		Integration: actiontest.New(t, sftp.New, servertest.Deps(t, nil)),
		Params: answers{
			"address": fmt.Sprintf("sftp://%s%s/", at, files), "username": me.Username,
			"private_key": pemKey(loginPrivate, ""), "host_key": ssh.FingerprintSHA256(host.PublicKey()),
		},
		Typeless: true,
		All: func(t *testing.T) map[string]servertest.Object {
			t.Helper()
			all := map[string]servertest.Object{}
			for name, body := range filesIn(t, files) {
				all[name] = servertest.Object{Body: body}
			}
			return all
		},
	}.Deliver(t)
}
