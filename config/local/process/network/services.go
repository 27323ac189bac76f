package network

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
)

// Services finds the endpoints behind names and addresses of services, as kube-proxy and the
// cluster's DNS do elsewhere.
type Services struct {
	Services corelisters.ServiceLister
	Slices   discoverylisters.EndpointSliceLister
}

// ErrNoEndpoint says that a service has no ready endpoint for a port.
var ErrNoEndpoint = errors.New("no endpoint is ready")

// Find returns the service that a name or an address stands for.
func (s Services) Find(host string) (*corev1.Service, bool) {
	all, err := s.Services.List(labels.Everything())
	if err != nil { // a lister reads from memory
		return nil, false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	i := slices.IndexFunc(all, func(svc *corev1.Service) bool {
		return host == svc.Spec.ClusterIP || slices.Contains(names(svc), host)
	})
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// names are what a service is called in every namespace. Within its own it could also be
// called by its first part alone; but a proxy does not know who asks.
func names(svc *corev1.Service) []string {
	name := svc.Name + "." + svc.Namespace
	return []string{name + ".svc." + ClusterDomain, name + ".svc", name}
}

// Endpoint picks one of a service's ready endpoints for a port of the service. A headless
// service, whose name means its pods, has every port that they have.
func (s Services) Endpoint(svc *corev1.Service, port int) (netip.AddrPort, error) {
	i := slices.IndexFunc(svc.Spec.Ports, func(p corev1.ServicePort) bool { return int(p.Port) == port })
	if i < 0 && svc.Spec.ClusterIP != corev1.ClusterIPNone {
		return netip.AddrPort{}, fmt.Errorf("service %s/%s has no port %d", svc.Namespace, svc.Name, port)
	}
	list, err := s.Slices.EndpointSlices(svc.Namespace).List(labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: svc.Name}))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listing endpoints: %w", err)
	}
	var ready []netip.AddrPort
	for _, slice := range list {
		target, ok := port, true
		if i >= 0 {
			target, ok = targetPort(slice, svc.Spec.Ports[i].Name)
		}
		if ok {
			ready = append(ready, readyAddresses(slice, target)...)
		}
	}
	if len(ready) == 0 {
		return netip.AddrPort{}, fmt.Errorf("service %s/%s, port %d: %w", svc.Namespace, svc.Name, port, ErrNoEndpoint)
	}
	return ready[rand.IntN(len(ready))], nil //nolint:gosec // any of them will do
}

func targetPort(slice *discoveryv1.EndpointSlice, name string) (int, bool) {
	for _, p := range slice.Ports {
		if p.Port != nil && (p.Name == nil && name == "" || p.Name != nil && *p.Name == name) {
			return int(*p.Port), true
		}
	}
	return 0, false
}

func readyAddresses(slice *discoveryv1.EndpointSlice, port int) []netip.AddrPort {
	var list []netip.AddrPort
	for _, e := range slice.Endpoints {
		if e.Conditions.Ready != nil && !*e.Conditions.Ready {
			continue
		}
		for _, a := range e.Addresses {
			if ip, err := netip.ParseAddr(a); err == nil {
				list = append(list, netip.AddrPortFrom(ip, uint16(port))) //nolint:gosec // a port of Kubernetes' API fits
			}
		}
	}
	return list
}

// Hosts writes the services' names and addresses in the form of /etc/hosts, for programs that
// look a name up before they ask the proxy for it.
func (s Services) Hosts() ([]byte, error) {
	all, err := s.Services.List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	slices.SortFunc(all, func(a, b *corev1.Service) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	var b bytes.Buffer
	b.WriteString("127.0.0.1 localhost\n::1 localhost\n")
	for _, svc := range all {
		if svc.Spec.ClusterIP != "" && svc.Spec.ClusterIP != corev1.ClusterIPNone {
			fmt.Fprintln(&b, svc.Spec.ClusterIP, strings.Join(names(svc), " "))
		}
	}
	return b.Bytes(), nil
}

// Translate says where a connection to an address of the cluster's network goes. Addresses
// outside of it are not translated.
type Translate struct {
	Block    *Block
	Pods     *Pods
	Services Services
}

// Target returns the address to dial for a host, which is a name or an address, and a port.
func (t Translate) Target(hostport string) (target string, inside bool, err error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", false, fmt.Errorf("reading the address: %w", err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", false, fmt.Errorf("reading the port: %w", err)
	}
	ip, _ := netip.ParseAddr(host) // it may be a name
	svc, ok := t.Services.Find(host)
	switch {
	case ok:
		endpoint, err := t.Services.Endpoint(svc, int(n))
		if err != nil {
			return "", true, err
		}
		ip, n = endpoint.Addr(), uint64(endpoint.Port())
	case !ip.IsValid(): // the name of a host outside
		return hostport, false, nil
	}
	switch {
	case ip.String() == NodeIP:
		return net.JoinHostPort(t.Block.Address(1).String(), strconv.FormatUint(n, 10)), true, nil
	case netip.MustParsePrefix(PodCIDR).Contains(ip):
		pod, ok := t.Pods.At(ip)
		if !ok {
			return "", true, fmt.Errorf("no pod has the address %s", ip)
		}
		return pod.Target(int(n)), true, nil
	case netip.MustParsePrefix(ServiceCIDR).Contains(ip):
		return "", true, fmt.Errorf("no service has the address %s", ip)
	}
	return net.JoinHostPort(ip.String(), strconv.FormatUint(n, 10)), false, nil
}
