package sftp

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// address is where files go.
type address struct {
	host, port string
	// folder is absolute, or below the user's home where it begins with none or a dot.
	folder string
}

const defaultPort = "22"

func (a address) set() bool { return a.host != "" }

// hostPort is what is dialled.
func (a address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

// UnmarshalText takes sftp://host[:port]/folder. As with curl, /~/ stands for the user's home.
// Blanks may stand as they are; a percent sign begins an escape (RFC 3986).
func (a *address) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	switch {
	case err != nil || u.Scheme != "sftp" || u.Hostname() == "" || u.Path == "":
		return errors.New("must be an address such as sftp://host/path/")
	case u.User != nil:
		return errors.New("must not hold a user name or a password, which have places of their own")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("must have %3F for a question mark and %23 for a number sign")
	case strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' }):
		return errors.New("must not contain control characters")
	}
	*a = address{host: u.Hostname(), port: u.Port(), folder: u.Path}
	if a.port == "" {
		a.port = defaultPort
	}
	if home, ok := strings.CutPrefix(u.Path, "/~/"); ok {
		a.folder = "./" + home
	}
	return nil
}
