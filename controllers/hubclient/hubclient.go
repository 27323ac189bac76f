// Package hubclient asks running hubs for their status. A hub's pod may run an image that the
// operator knows nothing about, so its answers are treated as untrusted input.
package hubclient

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/token"
)

const (
	// requestTimeout covers the request from the connection to the last byte. It is short
	// because a network policy may drop the packets.
	requestTimeout = 2 * time.Second
	maxHeaderBytes = 16 << 10
	// maxBodyBytes has room for the problems of many no-code integrations.
	maxBodyBytes = 1 << 20
)

var (
	errHostNetwork = errors.New("the pod uses its node's network, so its address is not its own")
	errAddress     = errors.New("the pod has no address of the pod network")
	errTooLarge    = errors.New("the response is too large")
)

// Client reads the status of a hub's pod. It follows no redirects and uses no proxy, so that it
// connects only to that pod. Use [New]; the zero value does not work.
type Client struct {
	http *http.Client
}

// New returns a client that connects over the pod network.
func New() *Client {
	return newWithDialer((&net.Dialer{}).DialContext)
}

func newWithDialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) *Client {
	return &Client{http: &http.Client{
		Timeout: requestTimeout,
		// A redirect would let the pod choose what the manager connects to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil, // a pod is reached directly, whatever HTTP_PROXY says
			DialContext:            dial,
			DisableKeepAlives:      true, // another pod may have the address by the next request
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
	}}
}

// Inspect returns the report of a pod.
func (c *Client) Inspect(ctx context.Context, pod *corev1.Pod) (Report, error) {
	var report Report
	if err := c.get(ctx, pod, "/status", &report); err != nil {
		return Report{}, fmt.Errorf("requesting the hub's status: %w", err)
	}
	return report.sanitized(), nil
}

// AcceptsSecret reports whether a pod accepts tokens of a service secret. The request contains neither
// the secret nor a token.
func (c *Client) AcceptsSecret(ctx context.Context, pod *corev1.Pod, secret []byte) (bool, error) {
	challenge := rand.Text()
	query := url.Values{"challenge": {challenge}, "proof": {token.Proof(secret, challenge)}}
	var answer struct {
		Accepted bool `json:"accepted"`
	}
	if err := c.get(ctx, pod, "/service-secret?"+query.Encode(), &answer); err != nil {
		return false, fmt.Errorf("asking for the hub's service secret: %w", err)
	}
	return answer.Accepted, nil
}

// get decodes the JSON at a path of the pod's admin port.
func (c *Client) get(ctx context.Context, pod *corev1.Pod, path string, answer any) error {
	address, err := podAddress(pod)
	if err != nil {
		return err
	}
	target := "http://" + net.JoinHostPort(address.String(), strconv.Itoa(resources.AdminPort)) + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("unexpected status code %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBodyBytes+1))
	if err == nil && len(body) > maxBodyBytes {
		err = errTooLarge
	}
	if err != nil {
		return fmt.Errorf("reading the response: %w", err)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("decoding the response: %w", err)
	}
	return nil
}

// podAddress returns the pod's own address. Addresses that no pod network hands out, such as
// those of the node itself or of a cloud's metadata service, are refused.
func podAddress(pod *corev1.Pod) (netip.Addr, error) {
	if pod.Spec.HostNetwork {
		return netip.Addr{}, errHostNetwork
	}
	address, err := netip.ParseAddr(pod.Status.PodIP)
	if err != nil {
		return netip.Addr{}, errAddress
	}
	address = address.Unmap().WithZone("")
	if !address.IsGlobalUnicast() { // loopback, link-local, multicast, unspecified, broadcast
		return netip.Addr{}, errAddress
	}
	return address, nil
}
