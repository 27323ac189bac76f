package network

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
)

// Pods gives pods their addresses.
type Pods struct {
	block *Block
	mu    sync.Mutex
	next  byte
	taken map[byte]*Pod
}

// NewPods gives out a block's addresses from 2 to 254.
func NewPods(b *Block) *Pods { return &Pods{block: b, next: 2, taken: map[byte]*Pod{}} }

// ErrNoAddress says that as many pods run as there are addresses.
var ErrNoAddress = errors.New("no free pod address")

// Pod is one pod's place in the network.
type Pod struct {
	IP   netip.Addr // as the cluster knows it
	Host netip.Addr // where it listens

	pods  *Pods
	mu    sync.Mutex
	ports map[int]int // what it listens at instead, where that is another port
}

// Add gives a pod an address. One that was given back is not soon given out again.
func (p *Pods) Add() (*Pod, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range 253 {
		n := p.next
		p.next = 2 + (n-1)%253
		if p.taken[n] == nil {
			pod := &Pod{IP: netip.AddrFrom4([4]byte{192, 0, 2, n}), Host: p.block.Address(n), pods: p, ports: map[int]int{}}
			p.taken[n] = pod
			return pod, nil
		}
	}
	return nil, ErrNoAddress
}

// Release gives the pod's address back.
func (p *Pod) Release() {
	p.pods.mu.Lock()
	defer p.pods.mu.Unlock()
	n := p.IP.As4()[3]
	if p.pods.taken[n] == p {
		delete(p.pods.taken, n)
	}
}

// At returns the pod that has an address of the cluster.
func (p *Pods) At(ip netip.Addr) (*Pod, bool) {
	if !netip.MustParsePrefix(PodCIDR).Contains(ip) {
		return nil, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pod, ok := p.taken[ip.As4()[3]]
	return pod, ok
}

// Listen returns where the pod listens in place of a port at all its addresses. That is the
// same port at the pod's own address, unless the port needs privileges or something took it
// at every address of the machine: then it is a free one, to which Target translates.
func (p *Pod) Listen(port int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.ports[port]; !known {
		p.ports[port] = p.usable(port)
	}
	return p.address(p.ports[port])
}

func (p *Pod) usable(port int) int {
	for _, n := range []int{port, 0} {
		l, err := Listen(p.address(n))
		if err == nil {
			defer l.Close()
			return Port(l)
		}
	}
	return port // the program's own error will say more
}

// Port is Listen for a program that is told a port only, and so listens at all addresses.
func (p *Pod) Port(port int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.ports[port]; !known {
		p.ports[port] = port
		for _, n := range []int{port, 0} {
			l, err := Listen(":" + strconv.Itoa(n))
			if err == nil {
				p.ports[port] = Port(l)
				_ = l.Close()
				break
			}
		}
	}
	return p.ports[port]
}

func (p *Pod) address(port int) string { return net.JoinHostPort(p.Host.String(), strconv.Itoa(port)) }

// Target returns where a connection to a port of the pod goes.
func (p *Pod) Target(port int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, ok := p.ports[port]; ok {
		port = n
	}
	return p.address(port)
}

// Dial connects to a port of the pod.
func (p *Pod) Dial(ctx context.Context, port int) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", p.Target(port))
}
