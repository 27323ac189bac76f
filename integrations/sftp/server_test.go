//go:build servers

package sftp_test

import (
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/servertest"
	"integrationhub.dev/integrations/sftp"
)

// sshd is a running server of OpenSSH's.
type sshd struct {
	params answers
	// files is the folder of the address.
	files string
}

// startSSHD runs a server that takes a key, with more lines of its configuration.
func startSSHD(t *testing.T, more ...string) sshd {
	t.Helper()
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
	config := append([]string{ // the first value of a setting counts
		"ListenAddress 127.0.0.1", "Port " + port, "HostKey " + write("host", string(pem.EncodeToMemory(block))),
		"AuthorizedKeysFile " + write("authorized", publicKey(login)), "StrictModes no", "UsePAM no", "PasswordAuthentication no",
		"PidFile none", "PermitRootLogin prohibit-password",
	}, append(more, "Subsystem sftp internal-sftp")...)
	if slices.ContainsFunc(more, func(line string) bool { return strings.HasPrefix(line, "Subsystem") }) {
		config = config[:len(config)-1]
	}
	servertest.Start(t, at, nil, servertest.Program(t, "SSHD"), "-D", "-e", "-f", write("config", strings.Join(config, "\n")+"\n"))
	files := filepath.Join(dir, "my files")
	if err := os.Mkdir(files, 0o700); err != nil {
		t.Fatal(err)
	}
	return sshd{answers{
		"address": fmt.Sprintf("sftp://%s%s/", at, files), "username": me.Username,
		"private_key": pemKey(loginPrivate, ""), "host_key": ssh.FingerprintSHA256(host.PublicKey()),
	}, files}
}

// Against OpenSSH's server, by a key.
func TestServer(t *testing.T) {
	s := startSSHD(t)
	servertest.Store{
		Integration: actiontest.New(t, sftp.New, servertest.Deps(t, nil)),
		Params:      s.params,
		Typeless:    true,
		All: func(t *testing.T) map[string]servertest.Object {
			t.Helper()
			all := map[string]servertest.Object{}
			for name, body := range filesIn(t, s.files) {
				all[name] = servertest.Object{Body: body}
			}
			return all
		},
	}.Deliver(t)
	for _, tt := range []struct{ config, upload, error string }{
		{"KexAlgorithms diffie-hellman-group-exchange-sha256", "", ""},
		{"KexAlgorithms diffie-hellman-group16-sha512", "", ""},
		{"KexAlgorithms diffie-hellman-group14-sha1", "", ""},
		{"KexAlgorithms diffie-hellman-group1-sha1", "", "The SFTP server is out of date: the only key exchange algorithms that it offers are " +
			"insecure (diffie-hellman-group1-sha1). Its administrator must enable a current one."},
		{"KexAlgorithms sntrup761x25519-sha512@openssh.com", "", "The SFTP server and the hub have no key exchange algorithm in common. The " +
			"server offers sntrup761x25519-sha512@openssh.com. Its administrator must enable another one."},
		{"Ciphers aes256-cbc", "", "The SFTP server is out of date: the only cipher algorithms that it offers are insecure (aes256-cbc). Its " +
			"administrator must enable a current one."},
		{"Subsystem sftp internal-sftp -P rename,posix-rename,remove", "", `The SFTP server does not allow the user to rename files. ` +
			`Choose "In place" for Upload.`},
		{"Subsystem sftp internal-sftp -P rename,posix-rename,remove", "in_place", ""},
		{"Subsystem sftp internal-sftp -P stat,lstat,fstat", "", ""},
	} {
		t.Run(tt.config+tt.upload, func(t *testing.T) {
			s := startSSHD(t, tt.config)
			i := actiontest.New(t, sftp.New, servertest.Deps(t, nil))
			_, err := i.Execute(t.Context(), request(t, s.params, with(orders, answers{"upload": tt.upload}), text(300_000)))
			want := map[string]string{"orders.csv": text(300_000)}
			if tt.error != "" {
				want = map[string]string{}
			}
			if got := action.MessageOf(err); err != nil && got != tt.error {
				t.Errorf("error %v, want %q", err, tt.error)
			}
			if diff := cmp.Diff(want, filesIn(t, s.files)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}
