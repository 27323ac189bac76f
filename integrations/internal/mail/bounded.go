package mail

import (
	"errors"
	"net"

	"github.com/emersion/go-smtp"
)

// A server may send this much during one mail, TLS included: a greeting or a reply may have
// any number of lines, and the SMTP client collects all of them. A line is limited by the
// client itself.
const (
	maxReplies           = 256 << 10
	maxRepliesPerMailbox = 4 << 10
)

// errRepliesTooLarge says that the server sends more than the protocol needs.
var errRepliesTooLarge = errors.New("the server's replies are too large")

// boundedConn fails once the server has sent more than is left. SMTP has one reader.
type boundedConn struct {
	net.Conn
	left int
}

// bounded limits what the server may send while it accepts a mail.
func bounded(conn net.Conn, recipients int) net.Conn {
	return &boundedConn{Conn: conn, left: maxReplies + recipients*maxRepliesPerMailbox}
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errRepliesTooLarge
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// repliesTooLarge reports whether the conversation ended because of the size of a reply.
func repliesTooLarge(err error) bool {
	return errors.Is(err, errRepliesTooLarge) || errors.Is(err, smtp.ErrTooLongLine)
}
