package controllers

import (
	"context"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=httpintegrations,verbs=get;list;watch

// customDelay joins changes of several HTTPIntegrations, as kubectl apply -f FOLDER makes them, into one
// reconcile of each hub.
const customDelay = time.Second

// customChanged selects the changes of HTTPIntegrations that matter for hubs.
var customChanged = predicate.Funcs{
	// Every hub is reconciled when the manager starts.
	CreateFunc: func(e event.CreateEvent) bool { return !e.IsInInitialList },
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.HTTPIntegration)
		after, isIntegration := e.ObjectNew.(*v1alpha1.HTTPIntegration)
		return ok && isIntegration && (before.Generation != after.Generation || !maps.Equal(before.Labels, after.Labels) ||
			before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() || checkOf(before) != checkOf(after))
	},
}

// customCheck is the result of the check of an HTTPIntegration.
type customCheck struct {
	generation int64
	valid      metav1.ConditionStatus
}

func checkOf(i *v1alpha1.HTTPIntegration) customCheck {
	c := meta.FindStatusCondition(i.Status.Conditions, v1alpha1.Valid)
	if c == nil {
		return customCheck{}
	}
	return customCheck{generation: c.ObservedGeneration, valid: c.Status}
}

// enqueueLater is a handler that enqueues hubs after customDelay. The queue keeps the first of several times.
func enqueueLater(hubs func(context.Context, client.Object) []reconcile.Request) handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	enqueue := func(ctx context.Context, q queue, objects ...client.Object) {
		for _, o := range objects {
			for _, hub := range hubs(ctx, o) {
				q.AddAfter(hub, customDelay)
			}
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { enqueue(ctx, q, e.Object) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) { enqueue(ctx, q, e.ObjectOld, e.ObjectNew) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { enqueue(ctx, q, e.Object) },
	}
}

// selectingHubs maps an HTTPIntegration to the hubs that select it.
func (r *Reconciler) selectingHubs(ctx context.Context, o client.Object) []reconcile.Request {
	integration, ok := o.(*v1alpha1.HTTPIntegration)
	if !ok {
		return nil
	}
	return r.hubsOf(func(hub *v1alpha1.IntegrationHub, _ string) bool { return resources.SelectsCustom(hub, integration) })(ctx, o)
}

// hubsOfAllowedSecret maps a Secret that allows integrations, or allowed them before, to the hubs that may have
// mounted it. It may be used by a version that only the pods have still.
func (r *Reconciler) hubsOfAllowedSecret(ctx context.Context, o client.Object) []reconcile.Request {
	if _, ok := o.GetAnnotations()[v1alpha1.AllowIntegrationsAnnotation]; !ok {
		return nil
	}
	return r.hubsOf(func(hub *v1alpha1.IntegrationHub, _ string) bool { return resources.OffersCustom(hub) })(ctx, o)
}
