package controllers

import (
	"context"
	"fmt"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

var certificateKind = cmv1.SchemeGroupVersion.WithKind("Certificate")

// certificate asks cert-manager for the certificate and waits until it is there.
func (r *Reconciler) certificate(ctx context.Context, rd *round) (outcome, error) {
	hint, o, err := r.issuer(ctx, rd)
	if err != nil || o.reason != "" {
		return o, err
	}
	if err := r.mayWriteTLS(ctx, rd.hub); err != nil {
		return outcome{}, err
	}
	err = r.apply(ctx, rd.hub, certificateKind, rd.hub.Name, resources.Certificate(rd.inputs))
	if meta.IsNoMatchError(err) {
		return rd.certManagerMissing(), nil
	}
	if err != nil {
		return outcome{}, err
	}
	if r.watchCertificates != nil {
		if err := r.watchCertificates(); err != nil {
			return outcome{}, fmt.Errorf("watching certificates: %w", err)
		}
	}
	c := &cmv1.Certificate{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(rd.hub), c); err != nil {
		return outcome{}, fmt.Errorf("reading the certificate: %w", err)
	}
	rd.status.CertificateNotAfter = c.Status.NotAfter
	for _, condition := range c.Status.Conditions {
		if condition.Type != cmv1.CertificateConditionReady {
			continue
		}
		if condition.Status == cmmetav1.ConditionTrue && condition.ObservedGeneration == c.Generation {
			return done("The certificate is issued." + hint), nil
		}
		if condition.ObservedGeneration != c.Generation {
			break // it speaks of an older request
		}
		return notDone(v1alpha1.CertificateNotReady, "cert-manager says: %s (kubectl describe certificate %s)", condition.Message, c.Name), nil
	}
	return notDone(v1alpha1.CertificateNotReady, "cert-manager has not answered yet."), nil
}

// mayWriteTLS sees to it that the certificate's Secret belongs to nobody else: cert-manager
// writes into any Secret of that name. One that a deleted hub of the same name left is ours.
func (r *Reconciler) mayWriteTLS(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	name := resources.TLSSecretName(hub)
	s := &metav1.PartialObjectMetadata{}
	s.SetGroupVersionKind(secretKind)
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: hub.Namespace, Name: name}, s)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("looking for Secret %s: %w", name, err)
	case s.Annotations[cmv1.CertificateNameKey] != hub.Name:
		return &nameTakenError{secretKind.Kind, name}
	}
	return nil
}

func (rd *round) certManagerMissing() outcome {
	rd.requeue = lookAgain
	return notDone(v1alpha1.CertManagerMissing, "cert-manager is not installed in this cluster. Install it; the operator goes on by itself then.")
}

// issuer looks whether cert-manager and the issuer are there. hint is a sentence for issuers
// that a Looker outside will not trust. Issuers of other groups are not looked at: the
// operator has no right to read what it does not know.
func (r *Reconciler) issuer(ctx context.Context, rd *round) (hint string, o outcome, err error) {
	ref := rd.hub.Spec.TLS.IssuerRef
	var spec *cmv1.IssuerSpec
	key := client.ObjectKey{Name: ref.Name}
	switch {
	case ref.Group != "" && ref.Group != cmv1.SchemeGroupVersion.Group:
		return "", outcome{}, nil
	case ref.Kind == cmv1.ClusterIssuerKind:
		i := &cmv1.ClusterIssuer{}
		err, spec = r.Live.Get(ctx, key, i), &i.Spec
	default:
		i := &cmv1.Issuer{}
		key.Namespace = rd.hub.Namespace
		err, spec = r.Live.Get(ctx, key, i), &i.Spec
	}
	switch {
	case meta.IsNoMatchError(err):
		return "", rd.certManagerMissing(), nil
	case apierrors.IsNotFound(err):
		rd.requeue = lookAgain
		return "", notDone(v1alpha1.IssuerNotFound, "The %s %q of spec.tls.issuerRef does not exist. Create it, or correct the reference.", ref.Kind, ref.Name), nil
	case err != nil:
		return "", outcome{}, fmt.Errorf("reading the issuer: %w", err)
	case spec.SelfSigned != nil, spec.CA != nil:
		hint = " It comes from a private authority: Looker accepts it only where Looker's own host trusts that authority."
	}
	return hint, outcome{}, nil
}
