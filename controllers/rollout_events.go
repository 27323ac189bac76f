package controllers

import (
	"context"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"integrationhub.dev/api/v1alpha1"
)

// rolloutPollInterval is how often a hub whose rollout waits is reconciled without an event. Watches
// usually come first; with a thousand waiting hubs a short interval would load the API server.
const rolloutPollInterval = 5 * time.Minute

// rolloutEnded selects the events of a Deployment whose staged rollout completed, or was taken over by
// the hub's author.
func rolloutEnded() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool { return isStaged(e.ObjectOld) && !isStaged(e.ObjectNew) },
		DeleteFunc: func(e event.DeleteEvent) bool { return isStaged(e.Object) },
	}
}

func isStaged(o client.Object) bool {
	record, _ := readRolloutRecord(o)
	return record.Staged
}

// rolloutStateChanged selects updates after which other hubs' rollouts may have to wait, or may go on.
func rolloutStateChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok := e.ObjectOld.(*v1alpha1.IntegrationHub)
			after, also := e.ObjectNew.(*v1alpha1.IntegrationHub)
			return ok && also && (isFailing(before) != isFailing(after) || countsAsRollout(before) != countsAsRollout(after))
		},
		DeleteFunc: func(event.DeleteEvent) bool { return true },
	}
}

// pendingRollouts maps an event to the hubs whose rollouts wait: as many as may run at once, or all of
// them if limit is 0. Each change of a hub's status is such an event, so it must not read all hubs.
func (r *Reconciler) pendingRollouts(limit int) handler.MapFunc {
	return func(context.Context, client.Object) []reconcile.Request {
		r.rollouts.mu.Lock()
		defer r.rollouts.mu.Unlock()
		requests := make([]reconcile.Request, 0, len(r.rollouts.waiting))
		for hub := range r.rollouts.waiting {
			requests = append(requests, reconcile.Request{NamespacedName: hub})
		}
		slices.SortFunc(requests, func(a, b reconcile.Request) int { return strings.Compare(a.String(), b.String()) })
		if limit > 0 && len(requests) > limit {
			requests = requests[:limit]
		}
		return requests
	}
}
