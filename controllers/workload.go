package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

var (
	deploymentKind     = appsv1.SchemeGroupVersion.WithKind("Deployment")
	serviceKind        = corev1.SchemeGroupVersion.WithKind("Service")
	serviceAccountKind = corev1.SchemeGroupVersion.WithKind("ServiceAccount")
)

// podRetry is how often failing pods are looked at: their reasons change without the
// Deployment changing.
const podRetry = 5 * time.Second

// workload runs the pods. Where an earlier step is not done it changes nothing, so that what
// runs goes on, and only tells how it fares.
func (r *Reconciler) workload(ctx context.Context, rd *round) (outcome, error) {
	hub := rd.hub
	rd.status.URL = resources.BaseURL(hub)
	rd.status.Selector = labels.SelectorFromSet(resources.Selector(hub)).String()
	if !rd.blocked {
		if err := r.apply(ctx, hub, serviceAccountKind, hub.Name, resources.ServiceAccount(rd.inputs)); err != nil {
			return outcome{}, err
		}
		if err := r.apply(ctx, hub, serviceKind, hub.Name, resources.Service(rd.inputs)); err != nil {
			return outcome{}, err
		}
		if err := r.apply(ctx, hub, deploymentKind, hub.Name, resources.Deployment(rd.inputs)); err != nil {
			return outcome{}, err
		}
	}
	d := &appsv1.Deployment{}
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(hub), d)
	if apierrors.IsNotFound(err) {
		rd.status.Replicas, rd.status.ReadyReplicas = 0, 0
		return notDone(v1alpha1.Pending, "The pods are started once the other conditions are true."), nil
	}
	if err != nil {
		return outcome{}, fmt.Errorf("reading the deployment: %w", err)
	}
	rd.status.Replicas, rd.status.ReadyReplicas = d.Status.Replicas, d.Status.ReadyReplicas
	return r.available(ctx, rd, d)
}

// available tells whether all pods of the current template are available, and if not, why.
func (r *Reconciler) available(ctx context.Context, rd *round, d *appsv1.Deployment) (outcome, error) {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	s := d.Status
	if s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == want && s.AvailableReplicas == want && s.Replicas == want {
		if rd.blocked {
			return done("The pods that run were left as they are; see the other conditions."), nil
		}
		return done(fmt.Sprintf("%d of %d pods are available.", want, want)), nil
	}
	rd.requeue = podRetry
	why, err := r.failingPod(ctx, rd.hub)
	if err != nil {
		return outcome{}, err
	}
	if why != "" {
		return notDone(v1alpha1.PodsFailing, "%s", why), nil
	}
	return notDone(v1alpha1.Progressing, "%d of %d pods of the current version are available.", min(s.UpdatedReplicas, s.AvailableReplicas), want), nil
}

// failingPod explains the first pod that cannot start.
func (r *Reconciler) failingPod(ctx context.Context, hub *v1alpha1.IntegrationHub) (string, error) {
	pods := &corev1.PodList{}
	if err := r.Live.List(ctx, pods, client.InNamespace(hub.Namespace), client.MatchingLabels(resources.Selector(hub))); err != nil {
		return "", fmt.Errorf("listing pods: %w", err)
	}
	for _, p := range pods.Items {
		for _, c := range p.Status.ContainerStatuses {
			if c.Name != resources.ContainerName {
				continue
			}
			if w := c.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
				return fmt.Sprintf("A pod cannot start: %s. See: kubectl -n %s logs -l app.kubernetes.io/instance=%s", w.Reason, hub.Namespace, hub.Name), nil
			}
		}
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
				return "A pod finds no node: " + c.Message, nil
			}
		}
	}
	return "", nil
}
