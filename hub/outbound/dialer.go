package outbound

import (
	"context"
	"net"
	"time"
)

// Dialer returns a function that connects where the policy allows it, for protocols other
// than HTTP. No proxy is used.
func Dialer(p Policy) func(ctx context.Context, network, address string) (net.Conn, error) {
	return p.dialer(nil)
}

// dialer looks names up with a resolver; nil is the system's.
func (p Policy) dialer(r *net.Resolver) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, ControlContext: p.control, Resolver: r}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if err := p.CheckHost(address); err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, address)
	}
}
