package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// podPollInterval is how often failing pods are checked at first: why a pod fails can change without
// a change of the Deployment.
const podPollInterval = 5 * time.Second

// deployment applies the objects that run the pods, and reports whether all pods are available.
// While a prerequisite is missing it keeps the pods' template, and only that.
func (r *Reconciler) deployment(ctx context.Context, s *scope) error {
	current, problem := false, error(nil)
	if s.accepted() {
		current, problem = r.applyWorkload(ctx, s)
	}
	if err := r.observePods(ctx, s); err != nil {
		return errors.Join(problem, err)
	}
	s.workload.current = current
	switch {
	case problem != nil:
		return problem
	case s.workload.deployment == nil:
		return waiting(v1alpha1.Pending, "The pods start as soon as the other conditions are true.")
	}
	return r.checkAvailable(ctx, s, s.workload.deployment)
}

// observePods reads the Deployment.
func (r *Reconciler) observePods(ctx context.Context, s *scope) error {
	if found, err := r.mayExist(ctx, s.hub, resources.DeploymentKind); err != nil || !found {
		s.workload = &workloadFacts{}
		return err
	}
	d := &appsv1.Deployment{}
	switch err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(s.hub), d); {
	case apierrors.IsNotFound(err):
		s.workload = &workloadFacts{}
	case err != nil:
		return fmt.Errorf("reading the Deployment: %w", err)
	default:
		s.workload = &workloadFacts{deployment: d}
	}
	return nil
}

// applyWorkload applies the objects that run the pods. current reports whether the pods are those that
// the spec asks for, or only wait for rollouts of other hubs. While the Deployment cannot have the
// template of the current spec, it keeps the last one: everything else is applied, and a lost
// Deployment is created again.
func (r *Reconciler) applyWorkload(ctx context.Context, s *scope) (current bool, err error) {
	if err := r.transferReplicasOwnership(ctx, s.hub); err != nil {
		return false, err
	}
	applied, problem := false, error(nil)
	if !s.blocked() {
		applied, problem = r.applyPods(ctx, s)
		if problem != nil && !isStalled(problem) {
			return false, problem
		}
	}
	current = applied || s.rollout != nil
	in := s.inputs
	if !applied {
		last, err := r.lastApplied(ctx, s.hub)
		if err != nil {
			return false, errors.Join(problem, err)
		}
		if last == nil { // the pods have never run
			return current, problem
		}
		in = s.inputs.Frozen(*last)
		s.frozen = &in
		problem = errors.Join(problem, r.applyFrozenPods(ctx, s.hub, in))
	}
	return current, errors.Join(problem, r.ensure(ctx, s.hub, resources.Scaling(in)...))
}

// applyPods applies the pods of the current spec, and records them as the last that were applied. It
// returns false if they have to wait for rollouts of other hubs.
func (r *Reconciler) applyPods(ctx context.Context, s *scope) (bool, error) {
	deployment, err := resources.Deployment(s.inputs)
	if err != nil {
		return false, stalled(v1alpha1.PodTemplateInvalid,
			"spec.podTemplate is not valid: %s. Running pods are left unchanged.", sanitize(err.Error()))
	}
	if start, err := r.stageRollout(ctx, s, deployment); err != nil || !start {
		return false, err
	}
	// Applying a Deployment replaces its configuration by the API server's response.
	revision, err := resources.Revision(s.inputs, deployment)
	if err != nil {
		return false, err
	}
	if err := r.ensureInOrder(ctx, s.hub, resources.Pods(s.inputs, deployment)...); err != nil {
		r.forgetStarted(s.hub)
		return false, err
	}
	return true, r.recordApplied(ctx, s, revision)
}

// applyFrozenPods applies pods that are not those of the current spec.
func (r *Reconciler) applyFrozenPods(ctx context.Context, hub *v1alpha1.IntegrationHub, in resources.Inputs) error {
	deployment, err := resources.Deployment(in)
	if err != nil {
		return err
	}
	if err := r.keepRolloutRecord(ctx, hub, deployment); err != nil {
		return err
	}
	return r.ensureInOrder(ctx, hub, resources.Pods(in, deployment)...)
}

// recordApplied records what was applied in a ControllerRevision, and deletes the previous ones.
func (r *Reconciler) recordApplied(ctx context.Context, s *scope, revision resources.Child) error {
	all := metadataListOf(resources.RevisionKind)
	if err := r.List(ctx, all, client.InNamespace(s.hub.Namespace), client.MatchingLabels(resources.OwnLabels(s.hub))); err != nil {
		return fmt.Errorf("listing ControllerRevisions: %w", err)
	}
	// The name has the checksum of the data, which cannot be changed.
	recorded := slices.ContainsFunc(all.Items, func(m metav1.PartialObjectMetadata) bool {
		return m.Name == revision.Name && metav1.IsControlledBy(&m, s.hub) &&
			maps.Equal(m.Labels, resources.Labels(s.hub)) && maps.Equal(m.Annotations, resources.Annotations(s.hub))
	})
	if !recorded {
		if err := r.ensure(ctx, s.hub, revision); err != nil {
			return err
		}
	}
	for i := range all.Items {
		if name := all.Items[i].Name; name != revision.Name {
			if err := r.ensure(ctx, s.hub, resources.Child{Kind: resources.RevisionKind, Name: name}); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayExist reports whether the hub may have an object of a kind: the cache has one, or may be behind.
func (r *Reconciler) mayExist(ctx context.Context, hub *v1alpha1.IntegrationHub, kind schema.GroupVersionKind) (bool, error) {
	if r.applied.has(client.ObjectKeyFromObject(hub), kind) {
		return true, nil
	}
	all := metadataListOf(kind)
	err := r.List(ctx, all, client.InNamespace(hub.Namespace), client.MatchingLabels(resources.OwnLabels(hub)), client.UnsafeDisableDeepCopy)
	if err != nil {
		return false, fmt.Errorf("listing %ss: %w", kind.Kind, err)
	}
	return len(all.Items) > 0, nil
}

// lastApplied returns what the pods of a hub run with; nil if they have never run.
func (r *Reconciler) lastApplied(ctx context.Context, hub *v1alpha1.IntegrationHub) (*resources.LastApplied, error) {
	if found, err := r.mayExist(ctx, hub, resources.RevisionKind); err != nil {
		return nil, err
	} else if !found {
		return r.lastAppliedByEarlierOperator(ctx, hub)
	}
	all := &appsv1.ControllerRevisionList{}
	if err := r.APIReader.List(ctx, all, client.InNamespace(hub.Namespace), client.MatchingLabels(resources.OwnLabels(hub))); err != nil {
		return nil, fmt.Errorf("listing ControllerRevisions: %w", err)
	}
	var newest *appsv1.ControllerRevision
	for i := range all.Items {
		revision := &all.Items[i]
		if belongsTo(revision, hub) && (newest == nil || newest.Revision < revision.Revision ||
			newest.Revision == revision.Revision && newest.CreationTimestamp.Before(&revision.CreationTimestamp)) {
			newest = revision
		}
	}
	if newest != nil {
		return resources.ReadRevision(newest)
	}
	return r.lastAppliedByEarlierOperator(ctx, hub)
}

// lastAppliedByEarlierOperator returns what a Deployment was last applied with by an operator that
// did not record it.
func (r *Reconciler) lastAppliedByEarlierOperator(ctx context.Context, hub *v1alpha1.IntegrationHub) (*resources.LastApplied, error) {
	if found, err := r.mayExist(ctx, hub, resources.DeploymentKind); err != nil || !found {
		return nil, err
	}
	d := &appsv1.Deployment{}
	err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(hub), d)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // not found is an expected result
	}
	if err != nil {
		return nil, fmt.Errorf("reading the Deployment: %w", err)
	}
	applied, err := appsv1ac.ExtractDeployment(d, string(FieldOwner))
	if err != nil {
		return nil, fmt.Errorf("reading the fields of the Deployment: %w", err)
	}
	if !belongsTo(d, hub) || applied.Spec == nil || applied.Spec.Template == nil {
		return nil, nil //nolint:nilnil // it is not the operator's
	}
	return &resources.LastApplied{
		Template: applied.Spec.Template,
		BaseURL:  hub.Spec.BaseURL, TLS: hub.Spec.TLS, Exposure: hub.Spec.Exposure, ServiceAccount: hub.Spec.ServiceAccount,
	}, nil
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
			r.inspect(ctx, s)
		}
		return nil
	}
	problem, err := r.podProblem(ctx, s.hub, d)
	switch {
	case err != nil:
		return err
	case problem == nil:
		return &waitingError{
			reason:       v1alpha1.Progressing,
			message:      fmt.Sprintf("%d of %d pods of the current version are available.", min(got.UpdatedReplicas, got.AvailableReplicas), want),
			requeueAfter: podPollInterval,
		}
	case problem.lasts(resources.ProgressDeadline(s.hub)):
		return &stalledError{reason: v1alpha1.PodsFailing, message: problem.message, requeueAfter: podPollInterval}
	}
	return &waitingError{reason: v1alpha1.PodsFailing, message: problem.message, requeueAfter: podPollInterval}
}
