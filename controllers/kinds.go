package controllers

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"integrationhub.dev/controllers/resources"
)

// optional are the kinds that a cluster may lack, or get while the operator runs. The others
// are part of Kubernetes.
var optional = []schema.GroupVersionKind{
	resources.CertificateKind,
	resources.HTTPRouteKind, resources.BackendTLSPolicyKind,
	resources.ServiceMonitorKind, resources.PrometheusRuleKind,
}

// kinds remembers which of the optional kinds the cluster lacks: asking costs a call.
type kinds struct {
	mu      sync.Mutex
	missing map[schema.GroupVersionKind]time.Time
	watched map[schema.GroupVersionKind]bool
	// begin begins to watch a kind; nil where nothing is watched.
	begin func(schema.GroupVersionKind) error
}

// kindInstalled is whether the cluster knows a kind. That it does not is believed for a while.
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
	delete(k.missing, kind) // another error shows where the kind is used
	return true
}

// watch begins to watch an optional kind, once. A watch of a kind that does not exist would
// keep the operator from starting, so it begins with the first hub that has to do with it.
func (r *Reconciler) watch(kind schema.GroupVersionKind) error {
	k := &r.kinds
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.begin == nil || !isOptional(kind) || k.watched[kind] {
		return nil
	}
	if err := k.begin(kind); err != nil {
		return err
	}
	if k.watched == nil {
		k.watched = map[schema.GroupVersionKind]bool{}
	}
	k.watched[kind] = true
	return nil
}

func isOptional(kind schema.GroupVersionKind) bool { return slices.Contains(optional, kind) }
