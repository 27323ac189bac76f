package controllers

import (
	"context"
	"slices"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// Scheme returns the scheme of the kinds that the operator uses.
func Scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, cmv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// owned are the built-in kinds of a hub's objects.
var owned = []schema.GroupVersionKind{
	resources.DeploymentKind, resources.RevisionKind, resources.ServiceKind, resources.ServiceAccountKind, resources.IngressKind,
	resources.NetworkPolicyKind, resources.DisruptionBudgetKind, resources.AutoscalerKind,
}

// CacheOptions keep the operator's memory small. Only hubs are cached whole; of other objects the
// cache holds the metadata, and except for Secrets and ConfigMaps only of those that the operator made.
func CacheOptions(namespaces []string) cache.Options {
	all := cache.ByObject{Label: labels.Everything()}
	user := cache.ByObject{Label: labels.Everything(), Transform: keepOwnMetadata}
	o := cache.Options{
		DefaultTransform:     dropUnusedMetadata,
		DefaultLabelSelector: labels.SelectorFromSet(labels.Set{resources.ManagedByLabel: resources.ManagedBy}),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.IntegrationHub{}:          all,
			&v1alpha1.LookerRegistration{}:      all,
			&v1alpha1.HTTPIntegration{}:         all,
			metadataOf(resources.SecretKind):    user,
			metadataOf(resources.ConfigMapKind): user,
		},
	}
	if len(namespaces) > 0 {
		o.DefaultNamespaces = map[string]cache.Config{}
		for _, n := range namespaces {
			o.DefaultNamespaces[n] = cache.Config{}
		}
	}
	return o
}

// changed ignores changes of a hub's status. Labels and annotations count: a hub's objects may inherit
// them, and annotations ask for a reconcile or for a new service secret.
var changed = predicate.Or(
	predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, predicate.LabelChangedPredicate{},
)

// SetupWithManager watches hubs, the objects they own and the objects they reference.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	b := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.IntegrationHub{}, builder.WithPredicates(changed)).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.hubsOf(usesSecret))).
		WatchesMetadata(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.hubsOf(usesConfigMap))).
		WatchesMetadata(&corev1.Secret{}, enqueueLater(r.hubsOfAllowedSecret)).
		// An event of what the operator itself wrote must not end the wait for other changes.
		WatchesMetadata(&corev1.ConfigMap{}, enqueueLater(r.hubsOf(resources.IsCustomConfigMap))).
		Watches(&v1alpha1.LookerRegistration{}, handler.EnqueueRequestsFromMapFunc(registeredHub), builder.WithPredicates(tokenUseChanged)).
		Watches(&v1alpha1.HTTPIntegration{}, enqueueLater(r.selectingHubs), builder.WithPredicates(customChanged)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrency,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](minRetryInterval, maxPollInterval),
		}).
		WithLogConstructor(RequestLogger(mgr.GetLogger(), "hub"))
	for _, kind := range owned {
		b = b.Owns(metadataOf(kind), builder.OnlyMetadata)
	}
	if r.MaxConcurrentRollouts > 0 {
		b = b.Watches(&v1alpha1.IntegrationHub{}, handler.EnqueueRequestsFromMapFunc(r.pendingRollouts(0)),
			builder.WithPredicates(rolloutStateChanged())).
			WatchesMetadata(&appsv1.Deployment{}, handler.EnqueueRequestsFromMapFunc(r.pendingRollouts(r.MaxConcurrentRollouts)),
				builder.WithPredicates(rolloutEnded()))
	}
	c, err := b.Build(newLoggingReconciler(r, r))
	if err != nil {
		return err
	}
	r.kinds.startWatch = func(kind schema.GroupVersionKind) error {
		return c.Watch(source.Kind[client.Object](mgr.GetCache(), metadataOf(kind),
			handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &v1alpha1.IntegrationHub{}, handler.OnlyControllerOwner())))
	}
	return nil
}

// minRetryInterval is the first interval of a hub whose reconcile fails; each failure doubles it.
const minRetryInterval = 100 * time.Millisecond

// concurrency is the number of concurrent reconciles, which mostly wait for the API server.
const concurrency = 8

// hubsOf maps an object to the hubs that use it.
func (r *Reconciler) hubsOf(uses func(*v1alpha1.IntegrationHub, string) bool) handler.MapFunc {
	return func(ctx context.Context, o client.Object) []reconcile.Request {
		hubs := &v1alpha1.IntegrationHubList{}
		if err := r.List(ctx, hubs, client.InNamespace(o.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "listing hubs") // reading the cache fails only at shutdown
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
	if slices.ContainsFunc(hub.Spec.ImagePullSecrets, func(ref v1alpha1.SecretRef) bool { return ref.Name == name }) {
		return true
	}
	if e := hub.Spec.Exposure; e != nil && e.Ingress != nil && e.Ingress.TLSSecretName == name {
		return true
	}
	if slices.ContainsFunc(hub.Spec.Upstreams, func(u v1alpha1.Upstream) bool { return u.TokenSecretRef.Name == name }) {
		return true
	}
	ofSpec := func(v resources.SecretVariable) bool { return v.Ref.Name == name }
	return slices.ContainsFunc(resources.SecretVariables(hub), ofSpec) || slices.Contains(resources.IntegrationSecrets(hub), name)
}

func usesConfigMap(hub *v1alpha1.IntegrationHub, name string) bool {
	ofUpstream := func(u v1alpha1.Upstream) bool { return u.CABundleRef != nil && u.CABundleRef.Name == name }
	ref := resources.CABundle(hub)
	return ref != nil && ref.Name == name || slices.ContainsFunc(hub.Spec.Upstreams, ofUpstream)
}
