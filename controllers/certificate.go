package controllers

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// certificate sees to the hub's certificate: cert-manager makes it, or somebody else does, or
// something in front of the pods has its own.
func (r *Reconciler) certificate(ctx context.Context, rd *round) (outcome, error) {
	spec := rd.hub.Spec.TLS
	if spec.IssuerRef != nil {
		return r.issued(ctx, rd)
	}
	rd.status.CertificateNotAfter = nil
	if err := r.ensure(ctx, rd.hub, resources.Child{Kind: resources.CertificateKind, Name: rd.hub.Name}); err != nil {
		return outcome{}, err
	}
	if spec.TerminatedElsewhere {
		return done("The pods speak plain HTTP: TLS is terminated elsewhere."), nil
	}
	return r.brought(ctx, rd)
}

// brought looks at a certificate that the admin keeps in a Secret.
func (r *Reconciler) brought(ctx context.Context, rd *round) (outcome, error) {
	name := resources.TLSSecretName(rd.hub)
	s, err := r.getSecret(ctx, rd.hub.Namespace, name)
	if err != nil {
		return outcome{}, err
	}
	if s == nil {
		return notDone(v1alpha1.SecretNotFound, "The Secret %q of spec.tls.secretName does not exist. Create it, with the keys tls.crt and tls.key.", name), nil
	}
	end, problem := inspectCertificate(s, resources.Host(rd.hub))
	rd.status.CertificateNotAfter = end
	if problem == "" && rd.expired(end) {
		problem = "expired: renew it, and the hub reads it again by itself"
	}
	if problem != "" {
		return notDone(v1alpha1.SecretInvalid, "The certificate in Secret %q of spec.tls.secretName %s.", name, problem), nil
	}
	return done(fmt.Sprintf("The certificate is the one in Secret %s.", name)), nil
}

// inspectCertificate tells when a Secret's certificate ends, and what is wrong with it.
func inspectCertificate(s *corev1.Secret, host string) (end *metav1.Time, problem string) {
	pair, err := tls.X509KeyPair(s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, "cannot be used: tls.crt and tls.key must hold a certificate and its key"
	}
	end = new(metav1.NewTime(pair.Leaf.NotAfter))
	if pair.Leaf.VerifyHostname(host) != nil {
		return end, "is not for " + host + ", under which Looker reaches the hub"
	}
	return end, ""
}

// expired is whether a certificate's time is over. If not, the operator looks again when it
// is: nobody would tell.
func (rd *round) expired(end *metav1.Time) bool {
	if end == nil {
		return false
	}
	left := time.Until(end.Time)
	if left > 0 {
		rd.again(left + time.Second)
	}
	return left <= 0
}

// issued asks cert-manager for the certificate and tells whether it is there.
func (r *Reconciler) issued(ctx context.Context, rd *round) (outcome, error) {
	if !r.kindInstalled(resources.CertificateKind) {
		return rd.certManagerMissing(), nil
	}
	from, o, err := r.issuer(ctx, rd)
	if err != nil || o.reason != "" {
		return o, err
	}
	if err := r.checkTLSSecretOwner(ctx, rd.hub); err != nil {
		return outcome{}, err
	}
	if err := r.ownsServiceNames(ctx, rd.hub); err != nil {
		return outcome{}, err
	}
	err = r.ensure(ctx, rd.hub, resources.Child{Kind: resources.CertificateKind, Name: rd.hub.Name, Config: resources.Certificate(rd.inputs)})
	if err != nil {
		return outcome{}, err
	}
	c := &cmv1.Certificate{}
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(rd.hub), c); err != nil {
		return outcome{}, fmt.Errorf("reading the certificate: %w", err)
	}
	rd.status.CertificateNotAfter = c.Status.NotAfter
	return rd.issuance(c, from), nil
}

// ownsServiceNames fails when the certificate would be for the name of a Service that belongs to
// somebody else, whose clients would trust the hub with it.
func (r *Reconciler) ownsServiceNames(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	names, _ := resources.CertificateNames(hub)
	own := resources.ServiceNames(hub)
	if !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(own, name) }) {
		return nil
	}
	existing, err := r.existing(ctx, hub, resources.Child{Kind: resources.ServiceKind, Name: hub.Name})
	if err != nil {
		return err
	}
	if existing != nil && !metav1.IsControlledBy(existing, hub) {
		return &nameTakenError{resources.ServiceKind.Kind, hub.Name}
	}
	return nil
}

// issuance tells whether cert-manager issued the certificate as it is asked for now, and if
// not, what is in the way.
func (rd *round) issuance(c *cmv1.Certificate, from issuer) outcome {
	says := "has not answered yet: does it run?"
	for _, condition := range c.Status.Conditions {
		if condition.Type != cmv1.CertificateConditionReady || condition.ObservedGeneration != c.Generation {
			continue // it speaks of something else, or of an older request
		}
		switch {
		case condition.Status != cmmetav1.ConditionTrue:
			says = "says: " + short(condition.Message)
		case rd.expired(c.Status.NotAfter):
			says = "did not renew the certificate, which expired: does it run?"
		default:
			return done("The certificate is issued." + from.hint)
		}
	}
	if from.trouble != "" {
		rd.again(pollInterval) // nobody tells the operator of issuers
		return notDone(v1alpha1.CertificateNotReady, "%s", from.trouble)
	}
	return notDone(v1alpha1.CertificateNotReady, "cert-manager %s (kubectl -n %s describe certificate %s)", says, c.Namespace, c.Name)
}

// checkTLSSecretOwner sees to it that the certificate's Secret belongs to nobody else: cert-manager
// writes into any Secret of that name. One that a deleted hub of the same name left is ours.
func (r *Reconciler) checkTLSSecretOwner(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	name := resources.TLSSecretName(hub)
	s := &metav1.PartialObjectMetadata{}
	s.SetGroupVersionKind(resources.SecretKind)
	err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: hub.Namespace, Name: name}, s)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("looking for Secret %s: %w", name, err)
	case s.Annotations[cmv1.CertificateNameKey] != hub.Name:
		return &nameTakenError{resources.SecretKind.Kind, name}
	}
	return nil
}

func (rd *round) certManagerMissing() outcome {
	rd.again(pollInterval)
	return notDone(v1alpha1.CertManagerMissing, "cert-manager is not installed in this cluster. Install it, and the operator goes on by itself; or bring a certificate of your own (spec.tls.secretName).")
}

// issuer is what is known of a hub's issuer.
type issuer struct {
	// hint is a sentence about one whose certificates a Looker outside will not trust.
	hint string
	// trouble is what the issuer itself suffers from: it is why certificates do not come.
	trouble string
}

// issuer looks whether cert-manager and the issuer are there. Issuers of other groups are not
// looked at: the operator has no right to read what it does not know.
func (r *Reconciler) issuer(ctx context.Context, rd *round) (issuer, outcome, error) {
	ref := *rd.hub.Spec.TLS.IssuerRef
	var found cmv1.GenericIssuer
	key := client.ObjectKey{Name: ref.Name}
	switch {
	case ref.Group != "" && ref.Group != cmv1.SchemeGroupVersion.Group:
		return issuer{}, outcome{}, nil
	case ref.Kind == cmv1.ClusterIssuerKind:
		found = &cmv1.ClusterIssuer{}
	default:
		found = &cmv1.Issuer{}
		key.Namespace = rd.hub.Namespace
	}
	err := r.APIReader.Get(ctx, key, found)
	switch {
	case meta.IsNoMatchError(err):
		return issuer{}, rd.certManagerMissing(), nil
	case apierrors.IsNotFound(err):
		rd.again(pollInterval)
		return issuer{}, notDone(v1alpha1.IssuerNotFound, "The %s %q of spec.tls.issuerRef does not exist. Create it, or correct the reference.", ref.Kind, ref.Name), nil
	case err != nil:
		return issuer{}, outcome{}, fmt.Errorf("reading the issuer: %w", err)
	}
	var i issuer
	if spec := found.GetSpec(); spec.SelfSigned != nil || spec.CA != nil {
		i.hint = " It comes from a private authority: Looker accepts it only where Looker's own host trusts that authority."
	}
	for _, c := range found.GetStatus().Conditions {
		if c.Type == cmv1.IssuerConditionReady && c.Status == cmmetav1.ConditionFalse {
			i.trouble = fmt.Sprintf("The %s %q of spec.tls.issuerRef is not ready, so nothing is issued: %s", ref.Kind, ref.Name, short(c.Message))
		}
	}
	return i, outcome{}, nil
}
