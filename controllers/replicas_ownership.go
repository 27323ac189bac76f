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

// transferOwner owns spec.replicas between the operator, which stops applying it, and the
// autoscaler, which has not written it yet. The value is stored in clusters: it cannot change.
const transferOwner = client.FieldOwner("integration-hub-handover")

// transferReplicasOwnership keeps spec.replicas when autoscaling is enabled. A field that its only
// owner stops applying is removed, and the Deployment would scale down to one pod: see
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
		return fmt.Errorf("reading the Deployment: %w", err)
	}
	if !belongsTo(d, hub) || d.Spec.Replicas == nil || !ownsReplicas(d.ManagedFields) {
		return nil
	}
	replicas := min(max(*d.Spec.Replicas, resources.MinReplicas(hub)), hub.Spec.Autoscaling.MaxReplicas)
	config := appsv1ac.Deployment(d.Name, d.Namespace).WithSpec(appsv1ac.DeploymentSpec().WithReplicas(replicas))
	if err := r.Apply(ctx, config, transferOwner, client.ForceOwnership); err != nil {
		return fmt.Errorf("transferring the ownership of spec.replicas: %w", err)
	}
	return nil
}

// ownsReplicas reports whether the operator owns spec.replicas.
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
