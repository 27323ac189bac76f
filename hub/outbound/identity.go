package outbound

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
)

// identityServices tell a pod who it is: the metadata server of Google Cloud
// (https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity) and the agent of
// EKS Pod Identity (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html).
var identityServices = []netip.AddrPort{
	netip.MustParseAddrPort("169.254.169.254:80"),
	netip.MustParseAddrPort("169.254.170.23:80"),
	netip.MustParseAddrPort("[fd00:ec2::23]:80"),
}

// NewIdentityClient returns a client for the services of clouds that give the hub's pod
// credentials. The guard closes their addresses to everything whose address a user can have a
// part in; this client reaches nothing but them, by no name, redirect or proxy.
func NewIdentityClient() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: identityService}
	return &http.Client{
		Transport: userAgent{&http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if err := identityService(ctx, network, address, nil); err != nil { // before a name is looked up
					return nil, err
				}
				return dialer.DialContext(ctx, network, address)
			},
			DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeaderSize,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func identityService(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !slices.Contains(identityServices, a) {
		return fmt.Errorf("%w: %s is not an identity service", ErrForbiddenAddress, address)
	}
	return nil
}
