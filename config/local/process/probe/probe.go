// Package probe asks a container how it is.
package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Check fails when the container is not well.
type Check func(context.Context) error

// Target is what a check needs to know of a container.
type Target struct {
	Ports []corev1.ContainerPort
	Dial  func(ctx context.Context, port int) (net.Conn, error) // to a port of the pod
	Exec  func(ctx context.Context, command []string) error     // in the container
}

// ErrUnsupported says that a kind of check cannot be done here.
var ErrUnsupported = errors.New("probes of this kind are not supported by this node")

// New makes the check that a handler describes.
func New(h corev1.ProbeHandler, t Target) Check {
	switch {
	case h.HTTPGet != nil:
		return func(ctx context.Context) error { return t.Get(ctx, h.HTTPGet) }
	case h.TCPSocket != nil:
		return func(ctx context.Context) error {
			port, err := t.port(h.TCPSocket.Port)
			if err != nil {
				return err
			}
			conn, err := t.dial(ctx, h.TCPSocket.Host, port)
			if err != nil {
				return err
			}
			return conn.Close()
		}
	case h.Exec != nil:
		return func(ctx context.Context) error { return t.Exec(ctx, h.Exec.Command) }
	}
	return func(context.Context) error { return ErrUnsupported }
}

func (t Target) port(p intstr.IntOrString) (int, error) {
	if p.Type == intstr.Int {
		return p.IntValue(), nil
	}
	for _, c := range t.Ports {
		if c.Name == p.StrVal {
			return int(c.ContainerPort), nil
		}
	}
	return 0, fmt.Errorf("the container has no port named %q", p.StrVal)
}

func (t Target) dial(ctx context.Context, host string, port int) (net.Conn, error) {
	if host == "" {
		return t.Dial(ctx, port)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", net.JoinHostPort(host, fmt.Sprint(port)))
}

// Get asks by HTTP. Like the kubelet it takes any certificate, and 2xx or 3xx for well.
func (t Target) Get(ctx context.Context, get *corev1.HTTPGetAction) error {
	port, err := t.port(get.Port)
	if err != nil {
		return err
	}
	host := get.Host
	if host == "" {
		host = "localhost" // only a name: the connection goes to the pod
	}
	scheme := strings.ToLower(string(cmp.Or(get.Scheme, corev1.URISchemeHTTP)))
	url := scheme + "://" + net.JoinHostPort(host, fmt.Sprint(port)) + "/" + strings.TrimPrefix(get.Path, "/")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "kube-probe/1")
	for _, h := range get.HTTPHeaders {
		if strings.EqualFold(h.Name, "Host") {
			req.Host = h.Value
			continue
		}
		req.Header.Set(h.Name, h.Value)
	}
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return t.dial(ctx, get.Host, port) },
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // as the kubelet does
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 10<<10)) // lets the server finish
	if res.StatusCode < 200 || res.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", res.StatusCode)
	}
	return nil
}

// Run checks again and again until ctx ends, and reports each result that has come often
// enough in a row to count. The first report is the first such result.
func Run(ctx context.Context, p *corev1.Probe, check Check, report func(error)) {
	wait := time.Duration(p.InitialDelaySeconds) * time.Second
	period := max(time.Duration(p.PeriodSeconds)*time.Second, time.Second)
	timeout := max(time.Duration(p.TimeoutSeconds)*time.Second, time.Second)
	well, ill := 0, 0
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = period
		attempt, cancel := context.WithTimeout(ctx, timeout)
		err := check(attempt)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			well, ill = well+1, 0
		} else {
			well, ill = 0, ill+1
		}
		if well >= max(int(p.SuccessThreshold), 1) || ill >= max(int(p.FailureThreshold), 1) {
			report(err)
		}
	}
}
