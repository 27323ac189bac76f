package sshauth_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/sshauth"
)

// The names are the server's text: they are shown without what could mislead, and not too many.
func TestExplainNegotiation(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		what    string
		offered []string
		want    string
	}{
		"not implemented": {
			"key exchange",
			[]string{"sntrup761x25519-sha512@openssh.com", "kex-strict-s-v00@openssh.com", "ext-info-s"},
			"The SFTP server and the hub have no key exchange algorithm in common. The server offers sntrup761x25519-sha512@openssh.com. " +
				"Its administrator must enable another one.",
		},
		"insecure": {
			"server to client cipher",
			[]string{"aes256-cbc", "3des-cbc"},
			"The SFTP server is out of date: the only cipher algorithms that it offers are insecure (aes256-cbc, 3des-cbc). Its administrator " +
				"must enable a current one.",
		},
		"insecure beside others": {
			"client to server MAC",
			[]string{"hmac-md5", "umac-64-etm@openssh.com"},
			"The SFTP server and the hub have no MAC algorithm in common. The server offers hmac-md5, umac-64-etm@openssh.com. Its administrator " +
				"must enable another one.",
		},
		"none":          {"key exchange", nil, "The SFTP server offers no key exchange algorithm. Its administrator must check its configuration."},
		"only a signal": {"key exchange", []string{"ext-info-s"}, "The SFTP server offers no key exchange algorithm. Its administrator must check its configuration."},
		"other characters": {
			"key exchange",
			[]string{"<b>a\n b", strings.Repeat("x", 100)},
			"The SFTP server and the hub have no key exchange algorithm in common. The server offers bab. Its administrator must enable another one.",
		},
		"many": {
			"host key",
			strings.Split("a1 a2 a3 a4 a5 a6 a7 a8 a9", " "),
			"The SFTP server has no host key of the expected type. Its types are a1, a2, a3, a4, a5, a6, a7, a8. Enter one of these keys " +
				"as the host key in the action's settings in Looker.",
		},
	} {
		err := sshauth.ExplainNegotiation(&ssh.AlgorithmNegotiationError{What: tt.what, RequestedAlgorithms: tt.offered})
		if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.want {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}
