package controllers

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"integrationhub.dev/controllers/resources"
)

// optionalKinds are installed separately, possibly while the operator runs. All others are part of
// Kubernetes.
var optionalKinds = []schema.GroupVersionKind{
	resources.CertificateKind,
	resources.HTTPRouteKind, resources.BackendTLSPolicyKind,
	resources.ServiceMonitorKind, resources.PrometheusRuleKind,
}

// kinds caches which optional kinds are missing, to save API calls.
type kinds struct {
	mu      sync.Mutex
	missing map[schema.GroupVersionKind]time.Time
	watched map[schema.GroupVersionKind]bool
	// startWatch watches a kind; nil without a manager.
	startWatch func(schema.GroupVersionKind) error
}

// kindInstalled reports whether the cluster has a kind. A negative answer is cached for pollInterval.
func (r *Reconciler) kindInstalled(kind schema.GroupVersionKind) bool {
	if !isOptional(kind) {
		return true
	}
	k := &r.kinds
	k.mu.Lock()
	defer k.mu.Unlock()
	if at, ok := k.missing[kind]; ok && time.Since(at) < pollInterval {
		return false
	}
	if _, err := r.RESTMapper().RESTMapping(kind.GroupKind(), kind.Version); meta.IsNoMatchError(err) {
		if k.missing == nil {
			k.missing = map[schema.GroupVersionKind]time.Time{}
		}
		k.missing[kind] = time.Now()
		return false
	}
	delete(k.missing, kind) // any other error shows up when the kind is used
	return true
}

// watch starts to watch an optional kind, once. It starts with the first hub that needs the kind,
// because a watch of a missing kind would keep the manager from starting.
func (r *Reconciler) watch(kind schema.GroupVersionKind) error {
	k := &r.kinds
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.startWatch == nil || !isOptional(kind) || k.watched[kind] {
		return nil
	}
	if err := k.startWatch(kind); err != nil {
		return err
	}
	if k.watched == nil {
		k.watched = map[schema.GroupVersionKind]bool{}
	}
	k.watched[kind] = true
	return nil
}

func isOptional(kind schema.GroupVersionKind) bool { return slices.Contains(optionalKinds, kind) }
