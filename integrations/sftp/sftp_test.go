package sftp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/objectstore"
	"integrationhub.dev/integrations/sftp"
)

type answers = map[string]string

func with(a answers, more answers) answers {
	a = maps.Clone(a)
	maps.Copy(a, more)
	return a
}

// params are settings with which a server takes a file.
func (f *fake) params() answers {
	return answers{
		"address":  "sftp://files.example.com" + f.folder(),
		"username": "looker", "password": password, "host_key": publicKey(f.hostKeys[0]),
	}
}

func request(t *testing.T, params, form answers, content string) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(params, form), "text/csv", "csv", []byte(content))
}

var orders = answers{"filename": "orders.csv"}

func text(n int) string { return strings.Repeat("0123456789a", n/11+1)[:n] }

func TestForm(t *testing.T) {
	t.Parallel()
	at := action.Field{Name: "address", Label: "Address", Type: action.String, Required: true, Description: "e.g. sftp://host/path/"}
	user := []action.Field{{Name: "username", Label: "Username", Type: action.String, Required: true}, {Name: "password", Label: "Password", Type: action.String, Required: true}}
	upload := action.Field{
		Name: "upload", Label: "Upload", Type: action.Select, Default: "rename",
		Description: "A file that is renamed is never seen incomplete. Some servers do not allow renaming.",
		Options:     []action.Option{{Name: "rename", Label: "Under a hidden name, then rename"}, {Name: "in_place", Label: "In place"}},
	}
	f := newFake(t)
	for name, tt := range map[string]struct {
		params answers
		want   []action.Field
	}{
		"nothing set":    {nil, append([]action.Field{at}, user...)},
		"everything set": {f.params(), nil},
		"no user":        {with(f.params(), answers{"username": ""}), user},
		"no address":     {with(f.params(), answers{"address": ""}), append([]action.Field{at}, user...)},
	} {
		i := actiontest.New(t, sftp.New, actiontest.Deps(t, nil, nil))
		got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(tt.params, nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slices.Concat(tt.want, objectstore.FileFields(), []action.Field{upload}), got.Fields); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 32 << 10, 32<<10 + 1, 3 << 20} {
		f := newFake(t)
		if _, err := f.start(t, nil).Execute(t.Context(), request(t, f.params(), orders, text(size))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"orders.csv": text(size)}, f.files(t)); diff != "" {
			t.Errorf("%d bytes: files (-want +got):\n%s", size, diff)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for filename, want := range map[string]string{
		"": "Orders by day.csv", "a b/ü&?#.csv": "a b/ü&?#.csv", "/x.csv": "x.csv",
		"../x": "", "x/": "", "a\x00b": "", strings.Repeat("x", 300): "",
		strings.Repeat("x", 255): strings.Repeat("x", 255), // as long as a file's name can be
	} {
		f := newFake(t)
		_, err := f.start(t, nil).Execute(t.Context(), request(t, f.params(), answers{"filename": filename}, "a"))
		names := slices.Collect(maps.Keys(f.files(t)))
		if want == "" {
			if action.KindOf(err) != action.Invalid || len(names) > 0 {
				t.Errorf("%.20q: %v; wrote %q", filename, err, names)
			}
			continue
		}
		if err != nil || !slices.Equal(names, []string{want}) {
			t.Errorf("%.20q: %v; wrote %q", filename, err, names)
		}
	}
}

// URLs are parsed into a host, a port and a folder, or rejected.
func TestAddress(t *testing.T) {
	t.Parallel()
	const none = `"address" must be a URL such as sftp://host/path/.`
	for text, tt := range map[string]struct{ dialed, folder, error string }{
		"sftp://files.example.com/DIR/my reports/":   {"files.example.com:22", "my reports", ""},
		"sftp://files.example.com/DIR/my%20reports":  {"files.example.com:22", "my reports", ""},
		"sftp://[2001:db8::1]:2222/~/my reports":     {"[2001:db8::1]:2222", "my reports", ""},
		"SFTP://files.example.com:2222/~/":           {"files.example.com:2222", "", ""},
		"sftp://files.example.com/DIR/nothing":       {"files.example.com:22", "", "The folder of the address does not exist on the SFTP server."},
		"sftp://files.example.com/~/nothing":         {"files.example.com:22", "", "The folder of the address does not exist on the SFTP server."},
		"sftp://files.example.com":                   {"", "", none},
		"http://files.example.com/x":                 {"", "", none},
		"files.example.com/x":                        {"", "", none},
		"sftp:///x":                                  {"", "", none},
		"sftp://files.example.com/100%":              {"", "", none},
		"sftp://u:p@files.example.com/x":             {"", "", `"address" must not contain a user name or a password, which have their own fields.`},
		"sftp://files.example.com/x?y":               {"", "", `"address" must use %3F for a question mark and %23 for a number sign.`},
		"sftp://files.example.com/x#y":               {"", "", `"address" must use %3F for a question mark and %23 for a number sign.`},
		"sftp://files.example.com/x%0Ay":             {"", "", `"address" must not contain control characters.`},
		"sftp://files.example.com/DIR/my reports/..": {"files.example.com:22", "", ""},
	} {
		f := newFake(t)
		p := with(f.params(), answers{"address": strings.ReplaceAll(text, "/DIR", f.dir)})
		_, err := f.start(t, nil).Execute(t.Context(), request(t, p, orders, "a"))
		if tt.error != "" {
			if action.MessageOf(err) != tt.error || len(f.files(t)) > 0 {
				t.Errorf("%s: %v, want %q", text, err, tt.error)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := os.Stat(filepath.Join(f.dir, tt.folder, "orders.csv")); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if dialed, _ := f.seen(); !slices.Equal(dialed, []string{tt.dialed}) {
			t.Errorf("%s: dialled %q", text, dialed)
		}
	}
}

// The administrator's credentials go to the administrator's address only.
func TestWhoSignsIn(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	all := f.params()
	own := answers{"address": all["address"], "username": "looker", "password": password, "filename": "orders.csv"}
	trust := answers{"SFTP_TRUST_ON_FIRST_USE": "true"}
	for name, tt := range map[string]struct {
		params, form answers
		error        string
	}{
		"the administrator's":             {all, orders, ""},
		"the user's":                      {nil, own, ""},
		"the user's at the admin's":       {answers{"address": all["address"]}, own, ""},
		"an address of the user's own":    {with(all, answers{"address": ""}), with(orders, answers{"address": all["address"]}), "Needs a user name."},
		"the user's address is not taken": {all, with(orders, answers{"address": "sftp://evil.example.com/"}), ""},
		"no address":                      {nil, with(own, answers{"address": ""}), "Needs a valid SFTP address."},
		"no user":                         {nil, with(own, answers{"username": " "}), "Needs a user name."},
		"no password":                     {nil, with(own, answers{"password": ""}), "Needs a password."},
		"an encoding":                     {all, with(orders, answers{"compression": "encoding"}), "A file on an SFTP server has no content encoding."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &fake{dir: f.dir, hostKeys: f.hostKeys}
			_, err := g.start(t, trust).Execute(t.Context(), request(t, tt.params, tt.form, "a"))
			if err != nil && action.MessageOf(err) != tt.error || (err == nil) != (tt.error == "") {
				t.Errorf("error %v, want %q", err, tt.error)
			}
			dialed, _ := g.seen()
			for _, at := range dialed {
				if at != "files.example.com:22" {
					t.Errorf("dialled %s", at)
				}
			}
		})
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	user, private := newKey()
	const refused = "The SFTP server does not accept this user name with this password or key."
	for name, tt := range map[string]struct {
		params      answers
		interactive bool
		want        string // the method
		error       string
	}{
		"password":               {nil, false, "password", ""},
		"keyboard-interactive":   {nil, true, "interactive", ""},
		"key":                    {answers{"password": "", "private_key": pemKey(private, "")}, false, "key", ""},
		"key on one line":        {answers{"password": "", "private_key": strings.ReplaceAll(pemKey(private, ""), "\n", `\n`)}, false, "key", ""},
		"key with a passphrase":  {answers{"password": "", "private_key": pemKey(private, "pass"), "passphrase": "pass"}, false, "key", ""},
		"wrong password":         {answers{"password": "wr0ng"}, false, "", refused},
		"wrong user":             {answers{"username": "other"}, false, "", refused},
		"no passphrase":          {answers{"password": "", "private_key": pemKey(private, "pass")}, false, "", "The private key has a passphrase. Enter it in the action's settings in Looker."},
		"wrong passphrase":       {answers{"password": "", "private_key": pemKey(private, "pass"), "passphrase": "x"}, false, "", "The passphrase is not that of the private key. Check both in the action's settings in Looker."},
		"invalid key":            {answers{"password": "", "private_key": "s3cret"}, false, "", "The private key cannot be read. Enter it exactly as in its file, with its first and last line, in the action's settings in Looker."},
		"neither password or so": {answers{"password": ""}, false, "", "Needs a password."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.users, f.interactive = []ssh.PublicKey{user.PublicKey()}, tt.interactive
			_, err := f.start(t, nil).Execute(t.Context(), request(t, with(f.params(), tt.params), orders, "a"))
			if tt.error != "" {
				if action.MessageOf(err) != tt.error {
					t.Errorf("error %v, want %q", err, tt.error)
				}
				if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "wr0ng") {
					t.Errorf("the error contains the password: %v", err)
				}
				if files := f.files(t); len(files) > 0 {
					t.Errorf("files %q", files)
				}
				return
			}
			if _, logins := f.seen(); err != nil || !slices.Equal(logins, []string{tt.want}) {
				t.Errorf("%v; logins %q", err, logins)
			}
		})
	}
}

// The error names the methods that the server offers, if the hub has nothing to enter for them.
func TestSignInMethods(t *testing.T) {
	t.Parallel()
	user, private := newKey()
	other, _ := newKey()
	byKey := answers{"password": "", "private_key": pemKey(private, "")}
	allow := func(*ssh.Permissions, error) (*ssh.Permissions, error) { return nil, nil }
	for name, tt := range map[string]struct {
		params    answers
		users     []ssh.PublicKey
		configure func(*ssh.ServerConfig)
		error     string
	}{
		"a password where only keys are taken": {nil, nil, func(c *ssh.ServerConfig) { c.PasswordCallback = nil }, "The SFTP server does not allow " +
			"signing in with a password, only with: private key. Enter a private key in the action's settings in Looker."},
		"a key where only passwords are taken": {byKey, nil, func(c *ssh.ServerConfig) { c.PublicKeyCallback = nil }, "The SFTP server does not allow " +
			"signing in with a private key, only with: password. Enter a password."},
		"Kerberos only": {nil, nil, func(c *ssh.ServerConfig) {
			c.PasswordCallback, c.PublicKeyCallback = nil, nil
			c.GSSAPIWithMICConfig = &ssh.GSSAPIWithMICConfig{AllowLogin: func(ssh.ConnMetadata, string) (*ssh.Permissions, error) { return allow(nil, nil) }, Server: noGSSAPI{}}
		}, "The SFTP server does not allow signing in with a password, only with: Kerberos."},
		"a refused key": {byKey, []ssh.PublicKey{other.PublicKey()}, nil, "The SFTP server does not accept this user name with this password or key."},
		"a key and a second factor": {byKey, []ssh.PublicKey{user.PublicKey()}, func(c *ssh.ServerConfig) {
			c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{
					KeyboardInteractiveCallback: func(ssh.ConnMetadata, ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) { return nil, io.EOF },
				}}
			}
		}, "The SFTP server accepted the private key and requires another method as well: keyboard-interactive questions."},
		"a key and the password": {with(byKey, answers{"password": password}), []ssh.PublicKey{user.PublicKey()}, func(c *ssh.ServerConfig) {
			c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: c.PasswordCallback}}
			}
		}, ""},
		"a question with an echo": {nil, nil, func(c *ssh.ServerConfig) {
			c.PasswordCallback = nil
			c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				if got, err := ask("", "", []string{"Password:"}, []bool{true}); err != nil || got[0] != password {
					return nil, io.EOF
				}
				return allow(nil, nil)
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.users, f.configure = tt.users, tt.configure
			_, err := f.start(t, nil).Execute(t.Context(), request(t, with(f.params(), tt.params), orders, "a"))
			if tt.error == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			if action.KindOf(err) != action.Unauthenticated || action.MessageOf(err) != tt.error {
				t.Errorf("error %v (%v), want %q", err, action.KindOf(err), tt.error)
			}
		})
	}
}

// noGSSAPI rejects every sign-in.
type noGSSAPI struct{}

func (noGSSAPI) AcceptSecContext([]byte) ([]byte, string, bool, error) { return nil, "", false, io.EOF }
func (noGSSAPI) VerifyMIC([]byte, []byte) error                        { return io.EOF }
func (noGSSAPI) DeleteSecContext() error                               { return nil }

// Servers that offer one algorithm of a kind. The hub uses all that the library calls secure, and the error for others says
// what the server offers.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	rsa := newRSAKey()
	only := func(change func(*ssh.ServerConfig)) func(*ssh.ServerConfig) { return change }
	kex := func(name string) func(*ssh.ServerConfig) {
		return only(func(c *ssh.ServerConfig) { c.KeyExchanges = []string{name} })
	}
	cipher := func(name string) func(*ssh.ServerConfig) {
		return only(func(c *ssh.ServerConfig) { c.Ciphers = []string{name} })
	}
	mac := func(name string) func(*ssh.ServerConfig) {
		return only(func(c *ssh.ServerConfig) { c.Ciphers, c.MACs = []string{"aes128-ctr"}, []string{name} })
	}
	const outdated = " Its administrator must enable a current one."
	tests := map[string]struct {
		configure func(*ssh.ServerConfig)
		error     string
	}{
		"diffie-hellman-group14-sha1": {kex("diffie-hellman-group14-sha1"), ""},
		"diffie-hellman-group1-sha1": {kex("diffie-hellman-group1-sha1"), "The SFTP server is out of date: the only key exchange algorithms " +
			"that it offers are insecure (diffie-hellman-group1-sha1)." + outdated},
		"aes128-cbc": {cipher("aes128-cbc"), "The SFTP server is out of date: the only cipher algorithms that it offers are insecure (aes128-cbc)." + outdated},
		"3des-cbc":   {cipher("3des-cbc"), "The SFTP server is out of date: the only cipher algorithms that it offers are insecure (3des-cbc)." + outdated},
		"ssh-rsa": {func(c *ssh.ServerConfig) {
			*c = ssh.ServerConfig{PasswordCallback: c.PasswordCallback}
			signer, err := ssh.NewSignerWithAlgorithms(rsa.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSA})
			if err != nil {
				panic(err)
			}
			c.AddHostKey(signer)
		}, "The SFTP server is out of date: the only host key algorithms that it offers are insecure (ssh-rsa)." + outdated},
		"another host key": {func(c *ssh.ServerConfig) {
			*c = ssh.ServerConfig{PasswordCallback: c.PasswordCallback}
			c.AddHostKey(rsa)
		}, "The SFTP server has no host key of the expected type. Its types are rsa-sha2-256, rsa-sha2-512, ssh-rsa. Enter one of " +
			"these keys as the host key in the action's settings in Looker."},
	}
	for _, name := range ssh.SupportedAlgorithms().KeyExchanges {
		tests[name] = struct {
			configure func(*ssh.ServerConfig)
			error     string
		}{kex(name), ""}
	}
	for _, name := range ssh.SupportedAlgorithms().Ciphers {
		tests[name] = struct {
			configure func(*ssh.ServerConfig)
			error     string
		}{cipher(name), ""}
	}
	for _, name := range ssh.SupportedAlgorithms().MACs {
		tests[name] = struct {
			configure func(*ssh.ServerConfig)
			error     string
		}{mac(name), ""}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.configure = tt.configure
			_, err := f.start(t, nil).Execute(t.Context(), request(t, f.params(), orders, "a"))
			if tt.error == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.error {
				t.Errorf("error %v (%v), want %q", err, action.KindOf(err), tt.error)
			}
		})
	}
}

// Nothing is sent, not even a password, to a server that does not show a key that is known.
func TestHostKey(t *testing.T) {
	t.Parallel()
	rsa, other := newRSAKey(), newRSAKey()
	ed, _ := newKey()
	fingerprint := ssh.FingerprintSHA256(ed.PublicKey())
	known := func(t *testing.T, lines string) answers {
		t.Helper()
		file := filepath.Join(t.TempDir(), "known_hosts")
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		return answers{"SFTP_KNOWN_HOSTS_FILE": file}
	}
	for _, tt := range []struct {
		name, hostKey string
		env           answers
		error         string
	}{
		{"the key", publicKey(ed), nil, ""},
		{"as ssh-keyscan prints it", "# a comment\nfiles.example.com " + publicKey(ed), nil, ""},
		{"the fingerprint", fingerprint, nil, ""},
		{"the fingerprint of the server's other key", ssh.FingerprintSHA256(rsa.PublicKey()), nil, ""},
		{"the other key's fingerprint and a key", publicKey(other) + "," + ssh.FingerprintSHA256(rsa.PublicKey()), nil, ""},
		{"one of several", ssh.FingerprintSHA256(other.PublicKey()) + ", " + fingerprint, nil, ""},
		{"the server's other key", publicKey(rsa), nil, ""},
		{"another key of this kind", publicKey(other), nil, "not the one in the action's settings in Looker"},
		{"another fingerprint", ssh.FingerprintSHA256(other.PublicKey()), nil, "not the one in the action's settings in Looker"},
		{"no key", "nonsense", nil, `"host_key" must be the server's public key`},
		{"none known", "", nil, "If its fingerprint is " + fingerprint + ", enter it"},
		{"known to the hub", "", known(t, "files.example.com "+publicKey(rsa)), ""},
		{"known to the hub as another", "", known(t, "files.example.com "+publicKey(other)), "not the one that is configured in the hub"},
		{"revoked", "", known(t, "@revoked files.example.com "+publicKey(ed)+"\nfiles.example.com "+publicKey(ed)), "not the one that is configured in the hub"},
		{"others are known", "", known(t, "other.example.com "+publicKey(rsa)), "If its fingerprint is " + fingerprint + ", enter it"},
		{"no list", "", answers{"SFTP_KNOWN_HOSTS_FILE": "/nothing"}, "The hub's list of known hosts cannot be read."},
		{"trusted on first use", "", answers{"SFTP_TRUST_ON_FIRST_USE": "true"}, ""},
		{"first use does not outweigh the list", "", with(known(t, "files.example.com "+publicKey(other)), answers{"SFTP_TRUST_ON_FIRST_USE": "true"}), "not the one that is configured in the hub"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.hostKeys = []ssh.Signer{ed, rsa}
			_, err := f.start(t, tt.env).Execute(t.Context(), request(t, with(f.params(), answers{"host_key": tt.hostKey}), orders, "a"))
			if tt.error == "" {
				if err != nil || len(f.files(t)) != 1 {
					t.Errorf("error %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(action.MessageOf(err), tt.error) {
				t.Errorf("error %v, want %q", err, tt.error)
			}
			if _, logins := f.seen(); len(logins) > 0 {
				t.Errorf("signed in: %q", logins)
			}
		})
	}
}

// A host key that cannot be read is an error in the form and in the delivery, even if unknown servers are trusted.
func TestHostKeyIsNotUnset(t *testing.T) {
	t.Parallel()
	other, _ := newKey()
	const scanned = "# files.example.com:22 SSH-2.0-OpenSSH_9.2"
	for name, tt := range map[string]struct {
		hostKey       string
		form, deliver string
	}{
		"only a comment":         {"# to be filled in", `"host_key" must be the server's public key`, `"host_key" must be the server's public key`},
		"ssh-keyscan's comment":  {scanned, `"host_key" must be the server's public key`, `"host_key" must be the server's public key`},
		"of another, line lost":  {scanned + " files.example.com " + publicKey(other), "", "not the one in the action's settings in Looker"},
		"of another, with lines": {scanned + "\nfiles.example.com " + publicKey(other), "", "not the one in the action's settings in Looker"},
		"of an old type":         {"ssh-dss AAAAB3NzaC1kc3MAAACBAAAA", "", "of a type that the hub does not support"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			i := f.start(t, answers{"SFTP_TRUST_ON_FIRST_USE": "true"})
			p := with(f.params(), answers{"host_key": tt.hostKey})
			_, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(p, nil))
			if got := action.MessageOf(err); err == nil != (tt.form == "") || !strings.Contains(got, tt.form) {
				t.Errorf("the form: error %v, want %q", err, tt.form)
			}
			_, err = i.Execute(t.Context(), request(t, p, orders, "a"))
			if got := action.MessageOf(err); err == nil || !strings.Contains(got, tt.deliver) {
				t.Errorf("error %v, want %q", err, tt.deliver)
			}
			if _, logins := f.seen(); len(logins) > 0 {
				t.Errorf("signed in: %q", logins)
			}
		})
	}
}

// The administrator's host key counts for addresses of the users' own too.
func TestHostKeyWithoutAddress(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	other, _ := newKey()
	own := answers{"address": f.params()["address"], "username": "looker", "password": password, "filename": "orders.csv"}
	_, err := f.start(t, answers{"SFTP_TRUST_ON_FIRST_USE": "true"}).Execute(t.Context(), request(t, answers{"host_key": publicKey(other)}, own, "a"))
	if !strings.Contains(action.MessageOf(err), "not the one in the action's settings in Looker") {
		t.Errorf("error %v", err)
	}
	if _, logins := f.seen(); len(logins) > 0 {
		t.Errorf("signed in: %q", logins)
	}
}

// The key that was seen first is the only one from then on.
func TestFirstUse(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	i := f.start(t, answers{"SFTP_TRUST_ON_FIRST_USE": "true"})
	req := func() *action.Request {
		return request(t, with(f.params(), answers{"host_key": ""}), orders, "a")
	}
	for range 2 {
		if _, err := i.Execute(t.Context(), req()); err != nil {
			t.Fatal(err)
		}
	}
	other, _ := newKey()
	f.show(other)
	_, err := i.Execute(t.Context(), req())
	if action.KindOf(err) != action.Forbidden || !strings.Contains(action.MessageOf(err), "not the one that it presented first") {
		t.Errorf("error %v", err)
	}
	if _, logins := f.seen(); len(logins) != 2 {
		t.Errorf("logins %q", logins)
	}
}

// overwrites are what the user can choose, and what becomes of a file that is there.
func overwrites(t *testing.T) {
	t.Helper()
	for _, tt := range []struct {
		answer, error string
		replaced      bool
		files         int
	}{{"yes", "", true, 1}, {"no", "", false, 2}, {"fail", "A file with this name already exists.", false, 1}} {
		f := newFake(t)
		i := f.start(t, nil)
		if _, err := i.Execute(t.Context(), request(t, f.params(), with(orders, answers{"overwrite": tt.answer}), "yesterday's")); err != nil {
			t.Fatal(err)
		}
		if tt.answer == "no" {
			continue // it has a name of its own each time
		}
		_, err := i.Execute(t.Context(), request(t, f.params(), with(orders, answers{"overwrite": tt.answer}), "today's"))
		if err != nil && action.MessageOf(err) != tt.error || (err == nil) != (tt.error == "") {
			t.Errorf("%s: error %v, want %q", tt.answer, err, tt.error)
		}
		all := f.files(t)
		if (all["orders.csv"] == "today's") != tt.replaced || len(all) != tt.files {
			t.Errorf("%s: files %q", tt.answer, all)
		}
	}
}

// Not parallel: what servers can do is set for all of them.
func TestOverwrite(t *testing.T) {
	t.Run("in one step", overwrites)
	if err := pkgsftp.SetSFTPExtensions(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pkgsftp.SetSFTPExtensions("hardlink@openssh.com", "posix-rename@openssh.com", "statvfs@openssh.com"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a server without extensions", overwrites)
}

func TestCompression(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	if _, err := f.start(t, nil).Execute(t.Context(), request(t, f.params(), with(orders, answers{"compression": "gzip"}), text(1000))); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(strings.NewReader(f.files(t)["orders.csv.gz"]))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != text(1000) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// broken is data whose reader ends with an error that the library takes for the end.
type broken struct {
	action.Data
	err error
}

func (b broken) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader(text(100_000)), iotest.ErrReader(b.err))), nil
}

// Data that breaks off leaves the old file, and nothing else.
func TestBreaksOff(t *testing.T) {
	t.Parallel()
	end := errors.Join(errors.New("disk"), io.EOF)
	for name, data := range map[string]func(*action.Request) *action.Request{
		"at once": func(r *action.Request) *action.Request {
			return actiontest.Download(t, r, actiontest.BrokenDownload(""))
		},
		"later": func(r *action.Request) *action.Request {
			return actiontest.Download(t, r, actiontest.BrokenDownload(text(200_000)))
		},
		"like an end": func(r *action.Request) *action.Request { r.Data = broken{r.Data, end}; return r },
		"refused": func(r *action.Request) *action.Request {
			return actiontest.Download(t, r, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) })
		},
	} {
		f := newFake(t)
		if err := os.WriteFile(filepath.Join(f.folder(), "orders.csv"), []byte("yesterday's"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := f.start(t, nil).Execute(t.Context(), data(actiontest.Query(f.params(), orders)))
		if err == nil || action.KindOf(err) != action.Unavailable && !errors.Is(err, end) {
			t.Errorf("%s: error %v", name, err)
		}
		if diff := cmp.Diff(map[string]string{"orders.csv": "yesterday's"}, f.files(t)); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", name, diff)
		}
	}
}

// A connection that is lost leaves nothing either: what was sent is removed over another one.
// The source would never end.
func TestLost(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.cut = 300_000
	req := actiontest.Download(t, actiontest.Query(f.params(), orders), func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, text(400_000))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	_, err := f.start(t, nil).Execute(t.Context(), req)
	if action.MessageOf(err) != "The connection to the SFTP server was lost before the file was complete." || action.KindOf(err) != action.Unavailable {
		t.Errorf("error %v", err)
	}
	if all := f.files(t); len(all) > 0 {
		t.Errorf("%d files are left", len(all))
	}
}

// A delivery that is given up is cleaned up too.
func TestCancel(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := actiontest.Download(t, actiontest.Query(f.params(), orders), func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, text(400_000))
		_ = http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	})
	_, err := f.start(t, nil).Execute(ctx, req)
	if !errors.Is(err, context.Canceled) || len(f.files(t)) > 0 {
		t.Errorf("error %v; files %v", err, f.files(t))
	}
}

func TestMayNotWrite(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		// What root may not do: make a file where a file is in place of a folder.
		f := newFake(t)
		if err := os.WriteFile(filepath.Join(f.folder(), "sub"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := f.start(t, nil).Execute(t.Context(), request(t, f.params(), answers{"filename": "sub/orders.csv"}, "a"))
		if action.MessageOf(err) != "The path of the file contains the name of an existing file instead of a folder." {
			t.Errorf("error %v", err)
		}
		return
	}
	f := newFake(t)
	if err := os.Chmod(f.folder(), 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := f.start(t, nil).Execute(t.Context(), request(t, f.params(), orders, "a"))
	if action.MessageOf(err) != "The SFTP server does not allow the user to write the file there." {
		t.Errorf("error %v", err)
	}
}

// blind answers no question about files.
type blind struct{}

func (blind) Filelist(*pkgsftp.Request) (pkgsftp.ListerAt, error) { return nil, os.ErrPermission }

// A folder may be one that the user can write to, and not look at.
func TestMayNotLook(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	memory := pkgsftp.InMemHandler()
	memory.FileList = blind{}
	f.memory = &memory
	p := with(f.params(), answers{"address": "sftp://files.example.com/"})
	if _, err := f.start(t, nil).Execute(t.Context(), request(t, p, orders, text(100_000))); err != nil {
		t.Fatal(err)
	}
	read := pkgsftp.NewRequest("Get", "/orders.csv")
	read.Flags = 1 // SSH_FXF_READ
	r, err := memory.FileGet.Fileread(read)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(r, 0, 1<<20)); err != nil || string(got) != text(100_000) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Servers that cannot be reached, or are none.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	silent := func(answer string) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			go func() {
				if answer != "" {
					_, _ = io.WriteString(theirs, answer)
				}
				_ = theirs.Close()
			}()
			return ours, nil
		}
	}
	for name, tt := range map[string]struct {
		dial  func(context.Context, string, string) (net.Conn, error)
		kind  action.Kind
		error string
	}{
		"the egress policy": {
			func(ctx context.Context, network, _ string) (net.Conn, error) {
				return outbound.Dialer(outbound.Policy{})(ctx, network, "127.0.0.1:22")
			}, action.Forbidden, "The hub's egress policy does not allow a connection to the SFTP server.",
		},
		"no host": {
			func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}
			}, action.NotFound, "The host name of the SFTP server does not exist.",
		},
		"hangs up":      {silent(""), action.Unavailable, "The connection to the SFTP server failed."},
		"another thing": {silent("220 ftp.example.com\r\n"), action.Unavailable, "The connection to the SFTP server failed."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deps := actiontest.Deps(t, nil, nil)
			deps.Dial = tt.dial
			_, err := actiontest.New(t, sftp.New, deps).Execute(t.Context(), request(t, f.params(), orders, "a"))
			if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.error {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
		})
	}
}

// Memory stays flat, whatever the size. Not parallel: other tests' memory would count.
func TestMemory(t *testing.T) {
	actiontest.Serial(t)
	const size = 200 << 20
	f := newFake(t)
	peak := uint64(0)
	zeros := make([]byte, 1<<20)
	req := actiontest.Download(t, actiontest.Query(f.params(), orders), func(w http.ResponseWriter, _ *http.Request) {
		for range size / len(zeros) {
			_, _ = w.Write(zeros)
			peak = max(peak, actiontest.LiveHeap())
		}
	})
	if _, err := f.start(t, nil).Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(f.folder(), "orders.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != size {
		t.Errorf("%d bytes, want %d", info.Size(), size)
	}
	if peak > 64<<20 {
		t.Errorf("%d MiB were in use, with the server's", peak>>20)
	}
}

// stuck is a connection from which nothing is read any more after so many bytes.
type stuck struct {
	net.Conn
	left int
	over chan struct{}
}

func (s *stuck) Read(p []byte) (int, error) {
	if s.left <= 0 {
		<-s.over
		return 0, io.EOF
	}
	n, err := s.Conn.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// eager takes whatever is written to it at once, as sockets do and net.Pipe does not: both
// sides of SSH begin by writing.
type eager struct {
	net.Conn
	written chan []byte
	over    chan struct{}
}

func newEager(c net.Conn, over chan struct{}) *eager {
	e := &eager{c, make(chan []byte, 4096), over}
	go func() {
		for {
			select {
			case p := <-e.written:
				if _, err := c.Write(p); err != nil {
					return
				}
			case <-over:
				return
			}
		}
	}()
	return e
}

func (e *eager) Write(p []byte) (int, error) {
	select {
	case e.written <- bytes.Clone(p):
		return len(p), nil
	case <-e.over:
		return 0, io.ErrClosedPipe
	}
}

// A server that takes a connection, or a part of the file, and is silent then is given up.
func TestLate(t *testing.T) {
	t.Parallel()
	for after, want := range map[int]struct {
		kind    action.Kind
		message string
	}{
		10:      {action.Timeout, "The SFTP server did not respond in time."},
		100_000: {action.Unavailable, "The connection to the SFTP server was lost before the file was complete."},
	} {
		f := newFake(t)
		req := request(t, f.params(), orders, text(1<<20))
		deps := actiontest.Deps(t, nil, nil)
		synctest.Test(t, func(t *testing.T) {
			over := make(chan struct{})
			dialled := false
			deps.Dial = func(context.Context, string, string) (net.Conn, error) {
				if dialled {
					return nil, io.ErrClosedPipe // nothing can be cleaned up
				}
				dialled = true
				ours, theirs := net.Pipe()
				go f.session(&stuck{Conn: newEager(theirs, over), left: after, over: over})
				return newEager(ours, over), nil
			}
			_, err := actiontest.New(t, sftp.New, deps).Execute(t.Context(), req)
			close(over)
			if action.KindOf(err) != want.kind || action.MessageOf(err) != want.message {
				t.Errorf("after %d bytes: error %v (%v)", after, err, action.KindOf(err))
			}
		})
	}
}
