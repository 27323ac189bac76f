package resources_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// The hub of the production sample is closed but for what it needs.
func TestProductionNetworkPolicy(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "samples", "more", "production.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	hub := &v1alpha1.IntegrationHub{}
	if err := yaml.UnmarshalStrict(text, hub); err != nil {
		t.Fatal(err)
	}
	config := resources.NetworkPolicy(resources.Inputs{Hub: hub})
	if config == nil {
		t.Fatal("the sample has no NetworkPolicy")
	}
	rendered, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	p := &networkingv1.NetworkPolicy{}
	if err := yaml.Unmarshal(rendered, p); err != nil {
		t.Fatal(err)
	}
	if len(p.Spec.PolicyTypes) != 2 || len(p.Spec.PodSelector.MatchLabels) == 0 {
		t.Errorf("the policy does not close the hub's pods in both directions: %+v", p.Spec)
	}
	for _, tt := range []struct {
		namespace string
		port      int32
		open      bool
	}{
		{namespace: "ingress-nginx", port: 8443, open: true},
		{namespace: "ingress-nginx", port: 9090, open: false},
		{namespace: "monitoring", port: 9090, open: true},
		{namespace: "integration-hub-system", port: 9090, open: true}, // the operator reads the hub's status
		{namespace: "monitoring", port: 8443, open: false},
		{namespace: "other-team", port: 8443, open: false},
		{namespace: "other-team", port: 9090, open: false},
	} {
		if got := admits(p, tt.namespace, tt.port); got != tt.open {
			t.Errorf("from %s to port %d: open is %v", tt.namespace, tt.port, got)
		}
	}
	for _, tt := range []struct {
		address string
		port    int32
		open    bool
	}{
		{address: "10.96.0.10", port: 53, open: true},
		{address: "93.184.215.14", port: 443, open: true},
		{address: "2606:2800:21f:cb07:6820:80da:af6b:8b2c", port: 443, open: true},
		{address: "93.184.215.14", port: 22, open: false},
		{address: "10.96.0.1", port: 443, open: false},       // the API server
		{address: "169.254.169.254", port: 443, open: false}, // a cloud's metadata
		{address: "169.254.169.254", port: 80, open: false},
		{address: "192.168.1.1", port: 443, open: false},
		{address: "fd00::1", port: 443, open: false},
	} {
		if got := releases(p, netip.MustParseAddr(tt.address), tt.port); got != tt.open {
			t.Errorf("to %s port %d: open is %v", tt.address, tt.port, got)
		}
	}
}

// admits reports whether the policy lets pods of a namespace connect to a port.
func admits(p *networkingv1.NetworkPolicy, namespace string, port int32) bool {
	for _, rule := range p.Spec.Ingress {
		if !hasPort(rule.Ports, port) {
			continue
		}
		if len(rule.From) == 0 {
			return true
		}
		for _, peer := range rule.From {
			if peer.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] == namespace {
				return true
			}
		}
	}
	return false
}

// releases reports whether the policy lets the pods connect to an address and port.
func releases(p *networkingv1.NetworkPolicy, address netip.Addr, port int32) bool {
	for _, rule := range p.Spec.Egress {
		if !hasPort(rule.Ports, port) {
			continue
		}
		if len(rule.To) == 0 {
			return true
		}
		for _, peer := range rule.To {
			if within(address, peer.IPBlock.CIDR) && !within(address, peer.IPBlock.Except...) {
				return true
			}
		}
	}
	return false
}

func within(address netip.Addr, ranges ...string) bool {
	for _, r := range ranges {
		if netip.MustParsePrefix(r).Contains(address) {
			return true
		}
	}
	return false
}

func hasPort(ports []networkingv1.NetworkPolicyPort, port int32) bool {
	for _, p := range ports {
		if p.Port.IntVal == port {
			return true
		}
	}
	return len(ports) == 0
}
