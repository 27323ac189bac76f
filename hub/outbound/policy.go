package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// Policy says which addresses the hub may connect to. Public addresses always; loopback,
// link-local and metadata addresses never, unless AllowLoopback; private ranges only where
// they are allowed.
type Policy struct {
	// Allow lists private ranges that hold wanted destinations.
	Allow []netip.Prefix
	// AllowLoopback is for developers and tests.
	AllowLoopback bool
}

// ErrForbiddenAddress says that the policy refused to connect.
var ErrForbiddenAddress = errors.New("the hub's egress policy forbids this address")

// restricted are the ranges that are not the public internet (RFC 6890 and the IANA
// special-purpose registries of IPv4 and IPv6).
var restricted = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", "fc00::/7", "fec0::/10", "ff00::/8",
)

// never are the ranges that no setting opens: the host itself (0.0.0.0 reaches it too), its neighbours on the link,
// and the metadata services of the clouds.
var never = prefixes("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "::/127", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32")

var loopback = prefixes("127.0.0.0/8", "::1/128")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		list[i] = netip.MustParsePrefix(t)
	}
	return list
}

func within(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Check returns an error that wraps [ErrForbiddenAddress] when the policy forbids a.
func (p Policy) Check(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	switch {
	case p.AllowLoopback && within(loopback, a):
		return nil
	case within(never, a):
	case within(p.Allow, a):
		return nil
	case !within(restricted, a):
		return nil
	}
	return fmt.Errorf("%w: %s", ErrForbiddenAddress, a)
}

// control runs when a socket is about to connect, with the final address.
func (p Policy) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrForbiddenAddress, address)
	}
	return p.Check(a.Addr())
}
