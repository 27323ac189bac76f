package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/tokendigest"
)

// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=lookerregistrations,verbs=get;list;watch

// maxListedRegistrations bounds a list in the status.
const maxListedRegistrations = 64

// previousTokenUsers returns the LookerRegistrations whose Looker has another token than the hub's current
// one. The previous service secret must stay until there are none.
func (r *Reconciler) previousTokenUsers(ctx context.Context, s *scope) ([]string, error) {
	if len(s.inputs.Token) == 0 {
		return s.hub.Status.PreviousTokenRegistrations, nil
	}
	all := &v1alpha1.LookerRegistrationList{}
	if err := r.List(ctx, all, client.InNamespace(s.hub.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing LookerRegistrations: %w", err)
	}
	var names []string
	for i := range all.Items {
		l := &all.Items[i]
		if l.Spec.HubRef.Name == s.hub.Name && l.Status.TokenDigest != "" && !tokendigest.Matches(l.Status.TokenDigest, s.inputs.Token) {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	return names[:min(len(names), maxListedRegistrations)], nil
}

// tokenMessage describes the hub's token, and who still has a previous one.
func (s *scope) tokenMessage(secret string) string {
	message := "The token for Looker is in Secret " + secret + "."
	if len(s.previousTokenUsers) > 0 {
		message += " These LookerRegistrations have a previous token: " + strings.Join(s.previousTokenUsers, ", ") +
			". Keep the previous service secret until they have the current one."
	}
	return message
}

// emitPreviousTokenEvent emits an event when no registration has a previous token anymore.
func (r *Reconciler) emitPreviousTokenEvent(hub *v1alpha1.IntegrationHub, status *v1alpha1.IntegrationHubStatus) {
	if len(hub.Status.PreviousTokenRegistrations) == 0 || len(status.PreviousTokenRegistrations) > 0 {
		return
	}
	r.Recorder.Eventf(hub, nil, corev1.EventTypeNormal, v1alpha1.PreviousTokenUnused, "Rotate",
		"All LookerRegistrations have the current token. Remove the previous service secret, unless a previous token was entered in Looker by hand.")
}

// registeredHub maps a registration to its hub.
func registeredHub(_ context.Context, o client.Object) []reconcile.Request {
	l, ok := o.(*v1alpha1.LookerRegistration)
	if !ok {
		return nil
	}
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: l.Namespace, Name: l.Spec.HubRef.Name}}}
}

// tokenUseChanged selects the changes of registrations that matter for hubs.
var tokenUseChanged = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.LookerRegistration)
		after, isRegistration := e.ObjectNew.(*v1alpha1.LookerRegistration)
		return ok && isRegistration && before.Status.TokenDigest != after.Status.TokenDigest
	},
}
