package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// podPollInterval is how often failing pods are looked at: their reasons change without the
// Deployment changing.
const podPollInterval = 5 * time.Second

// workload runs the pods. Where an earlier step is not done it changes nothing, so that what
// runs goes on, and only tells how it fares.
func (r *Reconciler) workload(ctx context.Context, rd *round) (outcome, error) {
	hub := rd.hub
	rd.status.Selector = labels.SelectorFromSet(resources.Selector(hub)).String()
	if !rd.blocked {
		children, err := resources.Workload(rd.inputs)
		if err != nil {
			return notDone(v1alpha1.PodTemplateInvalid, "spec.podTemplate does not fit a pod: %s. Running pods are left as they are.", short(err.Error())), nil
		}
		if err := r.transferReplicasOwnership(ctx, hub); err != nil {
			return outcome{}, err
		}
		if err := r.ensure(ctx, hub, children...); err != nil {
			return outcome{}, err
		}
	}
	rd.applied = !rd.blocked
	d := &appsv1.Deployment{}
	err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(hub), d)
	if apierrors.IsNotFound(err) {
		rd.status.Replicas, rd.status.ReadyReplicas = 0, 0
		return notDone(v1alpha1.Pending, "The pods are started once the other conditions are true."), nil
	}
	if err != nil {
		return outcome{}, fmt.Errorf("reading the deployment: %w", err)
	}
	rd.running = true
	rd.status.Replicas, rd.status.ReadyReplicas = d.Status.Replicas, d.Status.ReadyReplicas
	return r.available(ctx, rd, d)
}

// available tells whether all pods of the current template are available, and if not, why.
func (r *Reconciler) available(ctx context.Context, rd *round, d *appsv1.Deployment) (outcome, error) {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	if want == 0 {
		return notDone(v1alpha1.ScaledToZero, "No pods are asked for: spec.replicas is 0. Raise it for Looker to reach the hub."), nil
	}
	s := d.Status
	if s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == want && s.AvailableReplicas == want && s.Replicas == want {
		if rd.blocked {
			return done("Pods run as they were; what changed since waits for the other conditions."), nil
		}
		r.inspect(ctx, rd)
		return done(fmt.Sprintf("%d of %d pods are available.", want, want)), nil
	}
	rd.again(podPollInterval)
	why, err := r.unavailableMessage(ctx, rd.hub, d)
	if err != nil {
		return outcome{}, err
	}
	if why != "" {
		return notDone(v1alpha1.PodsFailing, "%s", why), nil
	}
	return notDone(v1alpha1.Progressing, "%d of %d pods of the current version are available.", min(s.UpdatedReplicas, s.AvailableReplicas), want), nil
}
