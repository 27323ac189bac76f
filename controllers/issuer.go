package controllers

import (
	"context"
	"fmt"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// issuer is what is known about a hub's issuer.
type issuer struct {
	// privateCA is set for issuers whose certificates a Looker outside the cluster will not trust.
	privateCA bool
	// problem says why the issuer is not ready.
	problem string
}

// issuer reads the issuer of spec.tls.issuerRef. Issuers of other API groups are not read: the
// operator has no permission to.
func (r *Reconciler) issuer(ctx context.Context, hub *v1alpha1.IntegrationHub) (issuer, error) {
	ref := *hub.Spec.TLS.IssuerRef
	var found cmv1.GenericIssuer
	key := client.ObjectKey{Name: ref.Name}
	switch {
	case ref.Group != "" && ref.Group != cmv1.SchemeGroupVersion.Group:
		return issuer{}, nil
	case ref.Kind == cmv1.ClusterIssuerKind:
		found = &cmv1.ClusterIssuer{}
	default:
		found = &cmv1.Issuer{}
		key.Namespace = hub.Namespace
	}
	err := r.APIReader.Get(ctx, key, found)
	switch {
	case meta.IsNoMatchError(err):
		return issuer{}, certManagerMissing()
	case apierrors.IsNotFound(err):
		return issuer{}, &stalledError{
			reason:       v1alpha1.IssuerNotFound,
			message:      fmt.Sprintf("%s %q of spec.tls.issuerRef does not exist. Create it, or correct the reference.", ref.Kind, ref.Name),
			requeueAfter: pollInterval,
		}
	case err != nil:
		return issuer{}, fmt.Errorf("reading the issuer: %w", err)
	}
	spec := found.GetSpec()
	i := issuer{privateCA: spec.SelfSigned != nil || spec.CA != nil}
	for _, c := range found.GetStatus().Conditions {
		if c.Type == cmv1.IssuerConditionReady && c.Status == cmmetav1.ConditionFalse {
			i.problem = fmt.Sprintf("%s %q of spec.tls.issuerRef is not ready: %s", ref.Kind, ref.Name, sanitize(c.Message))
		}
	}
	return i, nil
}
