package resources

import (
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The Gateway API's module requires a newer Go version, so its objects are unstructured
// (https://gateway-api.sigs.k8s.io/reference/spec/).
var (
	HTTPRouteKind        = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}
	BackendTLSPolicyKind = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "BackendTLSPolicy"}
)

// HTTPRoute routes requests from Gateways to the hub's Service; nil if the spec has none.
func HTTPRoute(in Inputs) *unstructured.Unstructured {
	hub := in.Hub
	if hub.Spec.Exposure == nil || hub.Spec.Exposure.Gateway == nil {
		return nil
	}
	g := hub.Spec.Exposure.Gateway
	parents := make([]any, 0, len(g.ParentRefs))
	for _, p := range g.ParentRefs {
		parent := map[string]any{"group": HTTPRouteKind.Group, "kind": "Gateway", "name": p.Name}
		if p.Namespace != "" {
			parent["namespace"] = p.Namespace
		}
		if p.SectionName != "" {
			parent["sectionName"] = p.SectionName
		}
		if p.Port != nil {
			parent["port"] = int64(*p.Port)
		}
		parents = append(parents, parent)
	}
	hostnames := []any{}
	for _, h := range exposedHosts(hub) {
		hostnames = append(hostnames, h)
	}
	route := object(in, HTTPRouteKind, g.Annotations)
	route.Object["spec"] = map[string]any{
		"parentRefs": parents,
		"hostnames":  hostnames,
		"rules": []any{map[string]any{
			"matches":     []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": basePath(hub)}}},
			"backendRefs": []any{map[string]any{"name": hub.Name, "port": int64(servicePort(hub))}},
			// A delivery may take long; newlines keep its connection alive.
			"timeouts": map[string]any{"request": "0s"},
		}},
	}
	return route
}

// BackendTLSPolicy makes Gateways use HTTPS to the pods and verify their certificate; nil without a
// Gateway, or if the pods serve plain HTTP.
func BackendTLSPolicy(in Inputs) *unstructured.Unstructured {
	hub := in.Hub
	if hub.Spec.Exposure == nil || hub.Spec.Exposure.Gateway == nil || !ServesTLS(hub) {
		return nil
	}
	validation := map[string]any{"hostname": exposedHosts(hub)[0]}
	if ca := hub.Spec.Exposure.Gateway.CABundleRef; ca != nil {
		validation["caCertificateRefs"] = []any{map[string]any{"group": "", "kind": "ConfigMap", "name": ca.Name}}
	} else {
		validation["wellKnownCACertificates"] = "System"
	}
	policy := object(in, BackendTLSPolicyKind, nil)
	policy.Object["spec"] = map[string]any{
		"targetRefs": []any{map[string]any{"group": "", "kind": "Service", "name": hub.Name}},
		"validation": validation,
	}
	return policy
}

// object returns an unstructured object with the metadata of a child.
func object(in Inputs, kind schema.GroupVersionKind, annotations map[string]string) *unstructured.Unstructured {
	hub := in.Hub
	u := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"ownerReferences": []any{map[string]any{
			"apiVersion": hubAPIVersion, "kind": HubKind, "name": hub.Name, "uid": string(hub.UID),
			"controller": true, "blockOwnerDeletion": true,
		}}},
	}}
	u.SetGroupVersionKind(kind)
	u.SetName(hub.Name)
	u.SetNamespace(hub.Namespace)
	u.SetLabels(Labels(hub))
	all := Annotations(hub)
	if all == nil {
		all = annotations
	} else {
		maps.Copy(all, annotations)
	}
	u.SetAnnotations(all)
	return u
}
