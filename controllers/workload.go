package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// podPollInterval is how often failing pods are checked: why a pod fails can change without a
// change of the Deployment.
const podPollInterval = 5 * time.Second

// deployment applies the objects that run the pods, and reports whether all pods are available.
// While a prerequisite is missing it changes nothing, so that running pods go on.
func (r *Reconciler) deployment(ctx context.Context, s *scope) error {
	blocked := s.blocked()
	if !blocked {
		if err := r.applyWorkload(ctx, s); err != nil {
			return err
		}
	}
	d := &appsv1.Deployment{}
	err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(s.hub), d)
	if apierrors.IsNotFound(err) {
		s.workload = &workloadFacts{current: !blocked}
		return waiting(v1alpha1.Pending, "The pods start when the other conditions are true.")
	}
	if err != nil {
		return fmt.Errorf("reading the Deployment: %w", err)
	}
	s.workload = &workloadFacts{deployment: d, current: !blocked}
	return r.checkAvailable(ctx, s, d)
}

func (r *Reconciler) applyWorkload(ctx context.Context, s *scope) error {
	children, err := resources.Workload(s.inputs)
	if err != nil {
		return stalled(v1alpha1.PodTemplateInvalid, "spec.podTemplate is not valid: %s. Running pods are left unchanged.", sanitize(err.Error()))
	}
	if err := r.transferReplicasOwnership(ctx, s.hub); err != nil {
		return err
	}
	return r.ensure(ctx, s.hub, children...)
}

// checkAvailable returns nil when all pods of the current template are available, and otherwise
// why they are not. The hub's own report is read once all pods run the current configuration.
func (r *Reconciler) checkAvailable(ctx context.Context, s *scope, d *appsv1.Deployment) error {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	if want == 0 {
		return stalled(v1alpha1.ScaledToZero, "spec.replicas is 0, so no pods run. Increase it.")
	}
	got := d.Status
	if got.ObservedGeneration >= d.Generation && got.UpdatedReplicas == want && got.AvailableReplicas == want && got.Replicas == want {
		if s.workload.current {
			s.report = r.inspect(ctx, s.hub)
		}
		return nil
	}
	message, err := r.unavailableMessage(ctx, s.hub, d)
	if err != nil {
		return err
	}
	if message != "" {
		return &stalledError{reason: v1alpha1.PodsFailing, message: message, requeueAfter: podPollInterval}
	}
	return &waitingError{
		reason:       v1alpha1.Progressing,
		message:      fmt.Sprintf("%d of %d pods of the current version are available.", min(got.UpdatedReplicas, got.AvailableReplicas), want),
		requeueAfter: podPollInterval,
	}
}
