package controllers

import (
	"context"
	"slices"
	"sync"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// Scheme knows the kinds that the operator deals with.
func Scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, cmv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// CacheOptions keep the operator's memory small: of other objects only those that it made,
// of Secrets and ConfigMaps only the metadata (see SetupWithManager).
func CacheOptions(namespaces []string) cache.Options {
	ours := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{resources.ManagedByLabel: resources.ManagedBy})}
	o := cache.Options{DefaultTransform: cache.TransformStripManagedFields(), ByObject: map[client.Object]cache.ByObject{
		&appsv1.Deployment{}: ours, &corev1.Service{}: ours, &corev1.ServiceAccount{}: ours,
	}}
	if len(namespaces) > 0 {
		o.DefaultNamespaces = map[string]cache.Config{}
		for _, n := range namespaces {
			o.DefaultNamespaces[n] = cache.Config{}
		}
	}
	return o
}

// SetupWithManager watches hubs, what they own and what they refer to.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	c, err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.IntegrationHub{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ServiceAccount{}).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.hubsOf(usesSecret))).
		WatchesMetadata(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.hubsOf(usesConfigMap))).
		Build(r)
	if err != nil {
		return err
	}
	// cert-manager may come after the operator: a watch of a kind that does not exist would
	// keep the operator from starting.
	var mu sync.Mutex
	watching := false
	r.watchCertificates = func() error {
		mu.Lock()
		defer mu.Unlock()
		if watching {
			return nil
		}
		err := c.Watch(source.Kind[client.Object](mgr.GetCache(), &cmv1.Certificate{},
			handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &v1alpha1.IntegrationHub{}, handler.OnlyControllerOwner())))
		watching = err == nil
		return err
	}
	return nil
}

// hubsOf finds the hubs that an object concerns.
func (r *Reconciler) hubsOf(uses func(*v1alpha1.IntegrationHub, string) bool) handler.MapFunc {
	return func(ctx context.Context, o client.Object) []reconcile.Request {
		hubs := &v1alpha1.IntegrationHubList{}
		if err := r.List(ctx, hubs, client.InNamespace(o.GetNamespace())); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "listing hubs") // from the cache: it cannot fail but at shutdown
			return nil
		}
		var requests []reconcile.Request
		for i := range hubs.Items {
			if uses(&hubs.Items[i], o.GetName()) {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&hubs.Items[i])})
			}
		}
		return requests
	}
}

func usesSecret(hub *v1alpha1.IntegrationHub, name string) bool {
	switch name {
	case resources.ServiceSecretRef(hub).Name, resources.TokenSecretRef(hub).Name, resources.TLSSecretName(hub):
		return true
	}
	return slices.Contains(resources.IntegrationSecrets(hub), name)
}

func usesConfigMap(hub *v1alpha1.IntegrationHub, name string) bool {
	ref := resources.CABundle(hub)
	return ref != nil && ref.Name == name
}
