package mail

import (
	"errors"
	"net"

	"github.com/emersion/go-smtp"
)

// The maximum number of bytes that a server may send during one mail, including TLS. A greeting or a reply
// can have any number of lines, and the SMTP client collects all of them. The client limits one line.
const (
	maxReplies           = 256 << 10
	maxRepliesPerMailbox = 4 << 10
)

// errRepliesTooLarge is the error if the server sends more.
var errRepliesTooLarge = errors.New("the server's replies are too large")

// boundedConn fails when the server has sent more bytes than are left. SMTP has only one reader.
type boundedConn struct {
	net.Conn
	left int
}

// bounded limits the number of bytes that the server may send.
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

// repliesTooLarge reports whether a reply was too large.
func repliesTooLarge(err error) bool {
	return errors.Is(err, errRepliesTooLarge) || errors.Is(err, smtp.ErrTooLongLine)
}
