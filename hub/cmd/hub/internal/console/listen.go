package console

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Listen listens at an address of this machine that no other machine reaches. Everybody who reached it
// could use the hub's token.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q is not host:port: %w", address, err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || host == "" {
		return nil, fmt.Errorf("%q is not an address of this machine: use 127.0.0.1", address)
	}
	for _, ip := range ips {
		if !ip.Unmap().IsLoopback() {
			return nil, fmt.Errorf("%s is reachable from other machines, and the console has the hub's token: use 127.0.0.1", ip)
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(ips[0].Unmap().String(), port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: choose another port with --listen (0 selects a free port)", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return l, nil
}
