package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
)

// Policy says where the hub may connect to. Public addresses always; loopback, link-local
// and metadata addresses never, unless AllowLoopback; private ranges only where they are
// allowed.
type Policy struct {
	// Allow lists private ranges that hold wanted destinations.
	Allow []netip.Prefix
	// Deny lists ranges that are closed, public ones too. It outweighs Allow.
	Deny []netip.Prefix
	// Hosts, unless empty, are the only hosts that may be named, Looker's included.
	Hosts []HostPattern
	// Ports, unless empty, are the only ports.
	Ports []uint16
	// AllowLoopback is for developers and tests.
	AllowLoopback bool
	// AllowAddrs are single addresses that are open in any range, for a developer's inbox.
	AllowAddrs []netip.AddrPort
}

// ErrForbiddenAddress says that the policy refused to connect.
var ErrForbiddenAddress = errors.New("the hub's egress policy forbids this address")

// restricted are the ranges that are not the public internet (RFC 6890 and the IANA
// special-purpose registries of IPv4 and IPv6).
var restricted = prefixes(
	"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fec0::/10", "ff00::/8",
)

// alwaysBlocked are the ranges that no setting opens: the host itself (0.0.0.0 reaches it too), its
// neighbours on the link, the metadata and identity services of the clouds, and the retired
// tunnels and translations to any IPv4 address (IPv4-compatible, IPv4-translated by RFC 2765, Teredo, 6to4).
var alwaysBlocked = prefixes(
	"0.0.0.0/8", "127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "255.255.255.255/32",
	"fd00:ec2::/32",      // Amazon EC2 and EKS
	"fd20:ce::254/128",   // Google Cloud
	"168.63.129.16/32",   // Azure
	"100.100.100.200/32", // Alibaba Cloud
	"192.0.0.192/32",     // Oracle Cloud
	"fd00:42::42/128",    // Scaleway
	"::/96", "::ffff:0:0:0/96", "2001::/32", "2002::/16",
)

// nat64 is how an IPv6-only cluster reaches IPv4 addresses (RFC 6052): the last four bytes
// are the address that is meant.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

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
	a = effectiveAddr(a)
	switch {
	case within(p.Deny, a):
	case p.AllowLoopback && within(loopback, a):
		return nil
	case within(alwaysBlocked, a):
	case within(p.Allow, a):
		return nil
	case !within(restricted, a):
		return nil
	}
	return fmt.Errorf("%w: %s", ErrForbiddenAddress, a)
}

// effectiveAddr is the address that packets to a arrive at.
func effectiveAddr(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// CheckHost returns an error that wraps [ErrForbiddenAddress] when the policy forbids a host
// and port ("host:port") as they are named. What the name resolves to is another question.
func (p Policy) CheckHost(address string) error {
	if a, err := netip.ParseAddrPort(address); err == nil && p.allows(a) {
		return nil
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForbiddenAddress, err)
	}
	if len(p.Hosts) > 0 && !slices.ContainsFunc(p.Hosts, func(h HostPattern) bool { return h.Matches(host) }) {
		return fmt.Errorf("%w: the host %s is not allowed", ErrForbiddenAddress, host)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || len(p.Ports) > 0 && !slices.Contains(p.Ports, uint16(port)) {
		return fmt.Errorf("%w: port %s", ErrForbiddenAddress, text)
	}
	return nil
}

// control runs when a socket is about to connect, with the final address.
func (p Policy) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrForbiddenAddress, address)
	}
	if p.allows(a) {
		return nil
	}
	return p.Check(a.Addr())
}

// allows reports whether an address is one of those that are open by themselves.
func (p Policy) allows(a netip.AddrPort) bool {
	return slices.Contains(p.AllowAddrs, a) && !within(p.Deny, a.Addr())
}
