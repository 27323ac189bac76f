package custom

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
)

const (
	// minRetryInterval is the first interval of an integration whose reconcile fails; each failure doubles it, up
	// to maxRetryInterval.
	minRetryInterval, maxRetryInterval = 100 * time.Millisecond, time.Minute
	// concurrency is the number of concurrent reconciles. A check needs some milliseconds of CPU time.
	concurrency = 2
)

// SetupWithManager watches HTTPIntegrations, the hubs that select them and the metadata of their Secrets.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.HTTPIntegration{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{}))).
		Watches(&v1alpha1.IntegrationHub{}, handler.EnqueueRequestsFromMapFunc(r.integrationsOf(everyIntegration)), builder.WithPredicates(hubChanged)).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.integrationsOf(usesSecret))).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrency,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](minRetryInterval, maxRetryInterval),
		}).
		WithLogConstructor(controllers.RequestLogger(mgr.GetLogger(), "integration")).
		Complete(controllers.LogErrors(r))
	if err != nil {
		return fmt.Errorf("setting up the controller of HTTPIntegrations: %w", err)
	}
	return nil
}

// hubChanged selects the changes of hubs that matter for integrations: which they select, and what runs.
var hubChanged = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.IntegrationHub)
		after, isHub := e.ObjectNew.(*v1alpha1.IntegrationHub)
		return ok && isHub && (!equality.Semantic.DeepEqual(before.Spec.CustomIntegrations, after.Spec.CustomIntegrations) ||
			!equality.Semantic.DeepEqual(before.Status.CustomIntegrations, after.Status.CustomIntegrations) ||
			before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero())
	},
}

// integrationsOf maps an object to the integrations of its namespace that use it.
func (r *Reconciler) integrationsOf(uses func(*v1alpha1.HTTPIntegration, string) bool) handler.MapFunc {
	return func(ctx context.Context, o client.Object) []reconcile.Request {
		all := &v1alpha1.HTTPIntegrationList{}
		if err := r.List(ctx, all, client.InNamespace(o.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "listing integrations") // reading the cache fails only at shutdown
			return nil
		}
		var requests []reconcile.Request
		for i := range all.Items {
			if uses(&all.Items[i], o.GetName()) {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&all.Items[i])})
			}
		}
		return requests
	}
}

// everyIntegration is for hubs: one that was selected before may be no longer.
func everyIntegration(*v1alpha1.HTTPIntegration, string) bool { return true }

func usesSecret(i *v1alpha1.HTTPIntegration, name string) bool {
	return slices.ContainsFunc(i.Spec.Secrets, func(s httpintegration.Secret) bool { return s.SecretKeyRef.Name == name })
}
