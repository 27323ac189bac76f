package registration

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
)

const (
	// minRetryInterval is the first interval of a registration whose reconcile fails; each failure doubles
	// it, up to maxRetryInterval.
	minRetryInterval, maxRetryInterval = time.Second, 5 * time.Minute
	// concurrency is the number of concurrent reconciles, which mostly wait for Looker.
	concurrency = 8
)

// SetupWithManager watches registrations, their hubs, and the Secrets and ConfigMaps that they use.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	changed := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.LookerRegistration{}, builder.WithPredicates(changed)).
		Watches(&v1alpha1.IntegrationHub{}, handler.EnqueueRequestsFromMapFunc(r.registrationsOf(usesHub)), builder.WithPredicates(hubChanged)).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.registrationsOf(r.usesSecret))).
		WatchesMetadata(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.registrationsOf(usesConfigMap))).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrency,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](minRetryInterval, maxRetryInterval),
		}).
		WithLogConstructor(controllers.RequestLogger(mgr.GetLogger(), "registration")).
		Complete(controllers.LogErrors(r))
	if err != nil {
		return fmt.Errorf("setting up the controller of LookerRegistrations: %w", err)
	}
	return mgr.Add(manager.RunnableFunc(r.sessions.Start))
}

// hubChanged selects the changes of hubs that matter for their registrations.
var hubChanged = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.IntegrationHub)
		after, isHub := e.ObjectNew.(*v1alpha1.IntegrationHub)
		return ok && isHub && (servesAtURL(before) != servesAtURL(after) || before.Status.URL != after.Status.URL ||
			!equality.Semantic.DeepEqual(before.Status.TokenSecretRef, after.Status.TokenSecretRef) ||
			tokenPending(before) != tokenPending(after))
	},
}

func tokenPending(hub *v1alpha1.IntegrationHub) bool {
	c := meta.FindStatusCondition(hub.Status.Conditions, v1alpha1.CredentialsReady)
	return c != nil && c.Reason == v1alpha1.TokenPending
}

// registrationsOf maps an object to the registrations that use it.
func (r *Reconciler) registrationsOf(uses func(context.Context, *v1alpha1.LookerRegistration, string) bool) handler.MapFunc {
	return func(ctx context.Context, o client.Object) []reconcile.Request {
		all := &v1alpha1.LookerRegistrationList{}
		if err := r.List(ctx, all, client.InNamespace(o.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "listing registrations") // reading the cache fails only at shutdown
			return nil
		}
		var requests []reconcile.Request
		for i := range all.Items {
			if uses(ctx, &all.Items[i], o.GetName()) {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&all.Items[i])})
			}
		}
		return requests
	}
}

func usesHub(_ context.Context, registration *v1alpha1.LookerRegistration, name string) bool {
	return registration.Spec.HubRef.Name == name
}

func usesConfigMap(_ context.Context, registration *v1alpha1.LookerRegistration, name string) bool {
	ref := registration.Spec.Looker.CABundleRef
	return ref != nil && ref.Name == name
}

func (r *Reconciler) usesSecret(ctx context.Context, registration *v1alpha1.LookerRegistration, name string) bool {
	if registration.Spec.Looker.CredentialsSecretRef.Name == name || slices.ContainsFunc(registration.Spec.Integrations, usesParamSecret(name)) {
		return true
	}
	hub := &v1alpha1.IntegrationHub{}
	err := r.Get(ctx, client.ObjectKey{Namespace: registration.Namespace, Name: registration.Spec.HubRef.Name}, hub)
	return err == nil && hub.Status.TokenSecretRef != nil && hub.Status.TokenSecretRef.Name == name
}

func usesParamSecret(name string) func(v1alpha1.RegisteredIntegration) bool {
	return func(i v1alpha1.RegisteredIntegration) bool {
		return slices.ContainsFunc(i.Params, func(p v1alpha1.IntegrationParam) bool {
			return p.ValueFrom != nil && p.ValueFrom.SecretKeyRef.Name == name
		})
	}
}
