// Package sftp writes query results and dashboards as files to SFTP servers.
package sftp

import (
	"context"
	"fmt"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/objectstore"
	"integrationhub.dev/integrations/internal/sshauth"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's environment variables.
type settings struct {
	// KnownHosts is a file in OpenSSH's format (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
	KnownHosts string `env:"SFTP_KNOWN_HOSTS_FILE"`
	// TrustOnFirstUse accepts the first key of an unknown server, and then no other until the hub
	// restarts.
	TrustOnFirstUse bool `env:"SFTP_TRUST_ON_FIRST_USE"`
}

// server is what the Looker administrator enters.
type server struct {
	Address    address          `param:"address"`
	Username   string           `param:"username"`
	Password   action.Secret    `param:"password"`
	PrivateKey action.Secret    `param:"private_key"`
	Passphrase action.Secret    `param:"passphrase"`
	HostKey    sshauth.HostKeys `param:"host_key"`
}

// credentials are what the server's user signs in with.
func (s *server) credentials() sshauth.Credentials {
	return sshauth.Credentials{User: s.Username, Password: s.Password, PrivateKey: s.PrivateKey, Passphrase: s.Passphrase}
}

// target is what the Looker user enters if the administrator has not entered it.
type target struct {
	Address  address       `form:"address"`
	Username string        `form:"username"`
	Password action.Secret `form:"password"`
	Upload   upload        `form:"upload"`
}

// Integration writes files to SFTP servers.
type Integration struct {
	deps     action.Deps
	hostKeys *sshauth.Verifier
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{deps: deps, hostKeys: sshauth.NewVerifier(deps.Log, s.KnownHosts, s.TrustOnFirstUse)}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "sftp", Label: "SFTP", Description: "Send data files to an SFTP server.",
		Params: []action.Param{
			{Name: "address", Label: "Address", Description: "The server and the folder, such as sftp://files.example.com/reports/. A " +
				"folder in the home of the user begins with /~/. Empty asks each user for an address, a user name and a password."},
			{Name: "username", Label: "Username", Description: "Empty asks each user for a user name and a password."},
			{Name: "password", Label: "Password", Sensitive: true},
			{Name: "private_key", Label: "Private Key", Sensitive: true, Description: "An OpenSSH private key, instead of or in addition to a " +
				"password."},
			{Name: "passphrase", Label: "Passphrase", Sensitive: true, Description: "The private key's, if it has one."},
			{Name: "host_key", Label: "Host Key", Description: "The server's public key, as ssh-keyscan prints it, or its fingerprint, " +
				"such as SHA256:…; several are separated by commas."},
		},
		Types:      []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	}
}

// signsIn reports whether the administrator's credentials are used. They are sent only to the
// administrator's address.
func (s *server) signsIn() bool { return s.Address.set() && s.Username != "" }

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	t, err := action.Decode[target](req)
	if err != nil {
		return nil, err
	}
	s, err := resolve(req, t)
	if err != nil {
		return nil, err
	}
	d, err := objectstore.Read(req, "SFTP")
	if err != nil {
		return nil, err
	}
	if d.ContentEncoding != "" {
		return nil, action.InvalidField("compression", "A file on an SFTP server has no content encoding.")
	}
	if err := i.deliver(ctx, s, d, t.Upload); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

// resolve merges the settings of the administrator and of the user.
func resolve(req *action.Request, t target) (server, error) {
	s, err := action.Decode[server](req)
	if err != nil {
		return s, err
	}
	if !s.signsIn() {
		s.Username, s.Password, s.PrivateKey = t.Username, t.Password, ""
	}
	if !s.Address.set() {
		s.Address = t.Address // a host key stays: without it, any server could be trusted
	}
	switch {
	case !s.Address.set():
		return s, action.InvalidField("address", "Needs a valid SFTP address.")
	case strings.TrimSpace(s.Username) == "":
		return s, action.InvalidField("username", "Needs a user name.")
	case s.Password == "" && s.PrivateKey == "":
		return s, action.InvalidField("password", "Needs a password.")
	}
	return s, nil
}

// deliver writes one file.
func (i *Integration) deliver(ctx context.Context, s server, d objectstore.Delivery, u upload) error {
	c, err := i.connect(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	panics.Go(c.lost, cancel) // stops reading the data when the connection is lost
	if err := c.write(ctx, s.Address.folder, d, u); err != nil {
		return fmt.Errorf("writing the file: %w", err)
	}
	return nil
}
