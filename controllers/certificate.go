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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// certificate requests the hub's certificate from cert-manager, or checks the one that the user
// provides.
func (r *Reconciler) certificate(ctx context.Context, s *scope) error {
	spec := s.hub.Spec.TLS
	if spec.IssuerRef != nil {
		return r.issuedCertificate(ctx, s)
	}
	s.certificate = &certificateFacts{}
	if err := r.ensure(ctx, s.hub, resources.Child{Kind: resources.CertificateKind, Name: s.hub.Name}); err != nil {
		return err
	}
	if spec.TerminatedElsewhere {
		return nil
	}
	return r.userProvidedCertificate(ctx, s)
}

// userProvidedCertificate checks the certificate in the Secret of spec.tls.secretName.
func (r *Reconciler) userProvidedCertificate(ctx context.Context, s *scope) error {
	name := resources.TLSSecretName(s.hub)
	secret, err := ReadSecret(ctx, r.APIReader, s.hub.Namespace, name)
	if err != nil {
		return err
	}
	if secret == nil {
		return stalled(v1alpha1.SecretNotFound,
			"Secret %q of spec.tls.secretName does not exist. Create it with the keys tls.crt and tls.key.", name)
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return stalled(v1alpha1.SecretInvalid,
			"The certificate in Secret %q of spec.tls.secretName is not valid: tls.crt and tls.key must hold a certificate and its key.", name)
	}
	s.certificate.notAfter = new(metav1.NewTime(pair.Leaf.NotAfter))
	host := resources.Host(s.hub)
	switch {
	case pair.Leaf.VerifyHostname(host) != nil:
		return stalled(v1alpha1.SecretInvalid,
			"The certificate in Secret %q of spec.tls.secretName is not valid for %s, the host that Looker connects to.", name, host)
	case expired(pair.Leaf.NotAfter):
		return stalled(v1alpha1.SecretInvalid,
			"The certificate in Secret %q of spec.tls.secretName has expired. Renew it; the hub reloads it automatically.", name)
	}
	return nil
}

func expired(notAfter time.Time) bool { return !time.Now().Before(notAfter) }

// issuedCertificate requests the certificate from cert-manager.
func (r *Reconciler) issuedCertificate(ctx context.Context, s *scope) error {
	if !r.kindInstalled(resources.CertificateKind) {
		return certManagerMissing()
	}
	from, err := r.issuer(ctx, s.hub)
	if err != nil {
		return err
	}
	if err := r.checkTLSSecretOwner(ctx, s.hub); err != nil {
		return err
	}
	if err := r.checkServiceOwner(ctx, s.hub); err != nil {
		return err
	}
	child := resources.Child{Kind: resources.CertificateKind, Name: s.hub.Name, Config: resources.Certificate(s.inputs)}
	if err := r.ensure(ctx, s.hub, child); err != nil {
		return err
	}
	c := &cmv1.Certificate{}
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(s.hub), c); err != nil {
		return fmt.Errorf("reading the Certificate: %w", err)
	}
	s.certificate = &certificateFacts{notAfter: c.Status.NotAfter, privateCA: from.privateCA}
	return checkIssuance(c, from)
}

// checkIssuance returns an error while cert-manager has not issued the current certificate.
func checkIssuance(c *cmv1.Certificate, from issuer) error {
	problem := "cert-manager has not processed the certificate yet. Check that it is running."
	for _, condition := range c.Status.Conditions {
		if condition.Type != cmv1.CertificateConditionReady || condition.ObservedGeneration != c.Generation {
			continue // about something else, or about an earlier spec
		}
		switch {
		case condition.Status != cmmetav1.ConditionTrue:
			problem = "cert-manager reports: " + sanitize(condition.Message)
		case c.Status.NotAfter != nil && expired(c.Status.NotAfter.Time):
			problem = "cert-manager did not renew the certificate, which has expired. Check that it is running."
		default:
			return nil
		}
	}
	if from.problem != "" { // issuers are not watched
		return &waitingError{reason: v1alpha1.CertificateNotReady, message: from.problem, requeueAfter: pollInterval}
	}
	return waiting(v1alpha1.CertificateNotReady, "%s (kubectl -n %s describe certificate %s)", problem, c.Namespace, c.Name)
}

// checkServiceOwner refuses a certificate for the name of a Service that the hub does not own: that
// Service's clients would trust the hub.
func (r *Reconciler) checkServiceOwner(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	names, _ := resources.CertificateNames(hub)
	own := resources.ServiceNames(hub)
	if !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(own, name) }) {
		return nil
	}
	existing, err := r.existing(ctx, hub, resources.Child{Kind: resources.ServiceKind, Name: hub.Name})
	if err != nil {
		return err
	}
	if existing == nil {
		return nil
	}
	return checkOwner(existing, hub, resources.ServiceKind.Kind)
}

// checkTLSSecretOwner refuses a Secret that belongs to another Certificate, because cert-manager
// would overwrite it. The Secret of a deleted hub with the same name is reused.
func (r *Reconciler) checkTLSSecretOwner(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	name := resources.TLSSecretName(hub)
	secret := metadataOf(resources.SecretKind)
	err := r.Get(ctx, client.ObjectKey{Namespace: hub.Namespace, Name: name}, secret) // the cache has all Secrets
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading Secret %s: %w", name, err)
	case secret.Annotations[cmv1.CertificateNameKey] != hub.Name:
		return nameTaken(resources.SecretKind.Kind, name, "does not belong to this hub's Certificate")
	}
	return nil
}

func certManagerMissing() error {
	return &stalledError{
		reason: v1alpha1.CertManagerMissing,
		message: "cert-manager is not installed in this cluster. Install it, or provide a certificate (spec.tls.secretName). " +
			"Reconciliation resumes automatically.",
		requeueAfter: pollInterval,
	}
}
