package controllers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// transferOwner holds the number of pods between the operator, which owned it, and the
// autoscaler, which has not yet written it.
const transferOwner = client.FieldOwner("integration-hub-handover")

// transferReplicasOwnership keeps the number of pods when a hub begins to be autoscaled. A field that its only
// owner no longer applies is removed, and the Deployment would fall to one pod: see
// https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership.
func (r *Reconciler) transferReplicasOwnership(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	if hub.Spec.Autoscaling == nil {
		return nil
	}
	d := &appsv1.Deployment{}
	err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(hub), d)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the deployment: %w", err)
	}
	if !metav1.IsControlledBy(d, hub) || d.Spec.Replicas == nil || !ownsReplicas(d.ManagedFields) {
		return nil
	}
	replicas := min(max(*d.Spec.Replicas, resources.MinReplicas(hub)), hub.Spec.Autoscaling.MaxReplicas)
	config := appsv1ac.Deployment(d.Name, d.Namespace).WithSpec(appsv1ac.DeploymentSpec().WithReplicas(replicas))
	if err := r.Apply(ctx, config, transferOwner, client.ForceOwnership); err != nil {
		return fmt.Errorf("handing the number of pods over: %w", err)
	}
	return nil
}

// ownsReplicas is whether the operator applied spec.replicas.
func ownsReplicas(managers []metav1.ManagedFieldsEntry) bool {
	for _, m := range managers {
		if m.Manager != string(FieldOwner) || m.Operation != metav1.ManagedFieldsOperationApply || m.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if err := json.NewDecoder(bytes.NewReader(m.FieldsV1.GetRawBytes())).Decode(&fields); err == nil && fields.Spec["f:replicas"] != nil {
			return true
		}
	}
	return false
}
