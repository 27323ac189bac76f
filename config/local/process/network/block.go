// Package network is what stands for a cluster's network where everything shares a machine's
// loopback interface and nobody may configure it.
//
// Kubernetes refuses loopback addresses for endpoints and services. So pods, services and the
// node have addresses that are reserved for documentation and benchmarks: no machine has them,
// and who connects to one without the proxy reaches nobody. Each pod listens at an address of
// 127.0.0.0/8 that stands for its own:
//
//	203.0.113.1     the node     127.A.B.1
//	192.0.2.N       a pod        127.A.B.N
//	198.18.0.0/16   services     one of the endpoints
//
// 127.A.B.0/24 is chosen when the cluster starts, so that several can run. Whoever connects
// to an address or a service name does so by the [Proxy], which translates: the API server by
// its egress selector, pods by HTTPS_PROXY and HTTP_PROXY.
package network

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
)

// Addresses that exist only by translation.
const (
	NodeIP         = "203.0.113.1"
	PodCIDR        = "192.0.2.0/24"
	ServiceCIDR    = "198.18.0.0/16"
	APIServiceIP   = "198.18.0.1"
	ClusterDomain  = "cluster.local"
	claimPort      = 20127 // at the block's first address; whoever listens there has the block
	otherClaimPort = 20128 // where something took that port at all addresses
)

// Block is a range of 256 loopback addresses that is this cluster's alone.
type Block struct {
	prefix [3]byte
	claim  net.Listener
}

// Claim takes a free block and holds it until Close. The name makes that the same one again,
// where it can be.
func Claim(name string) (*Block, error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	var errs error
	for _, port := range []int{claimPort, otherClaimPort} {
		errs = nil
		for try := range uint32(64) {
			n := h.Sum32() + try
			// 127.0 and 127.1 are left to others: resolvers and desktops use addresses there.
			b := &Block{prefix: [3]byte{127, byte(2 + n>>8%250), byte(n)}} //nolint:gosec // any byte of it will do
			var err error
			if b.claim, err = Listen(fmt.Sprintf("%v:%d", b.Address(1), port)); err == nil {
				return b, nil
			}
			errs = errors.Join(errs, err)
		}
	}
	return nil, fmt.Errorf("finding free loopback addresses: %w", errs)
}

// Close gives the block back.
func (b *Block) Close() error { return b.claim.Close() }

// Address returns an address of the block.
func (b *Block) Address(n byte) netip.Addr {
	return netip.AddrFrom4([4]byte{b.prefix[0], b.prefix[1], b.prefix[2], n})
}

// Listen listens at an address of this machine.
func Listen(address string) (net.Listener, error) {
	return net.Listen("tcp", address) //nolint:noctx // it does not wait for anything
}

// Port is the port that a listener listens at.
func Port(l net.Listener) int {
	address, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil { // only a listener of another network than TCP
		return 0
	}
	return int(address.Port())
}

// Node listens at a free port of the node's address.
func (b *Block) Node() (net.Listener, error) {
	l, err := Listen(netip.AddrPortFrom(b.Address(1), 0).String())
	if err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	return l, nil
}

// FreeAddress returns the node's address with a port that is free there.
func (b *Block) FreeAddress() (string, error) {
	l, err := b.Node()
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
