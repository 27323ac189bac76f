package controllers

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// legacyClass is the annotation that names the class of an Ingress without spec.ingressClassName
// (https://kubernetes.io/docs/concepts/services-networking/ingress/#deprecated-annotation).
const legacyClass = "kubernetes.io/ingress.class"

// checkIngress returns an error while no controller can serve the hub's Ingress: its class does not
// exist, or the Secret with its certificate is missing or wrong.
func (r *Reconciler) checkIngress(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	ingress := &networkingv1.Ingress{}
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(hub), ingress); err != nil {
		return fmt.Errorf("reading the Ingress: %w", err)
	}
	if err := r.checkIngressClass(ctx, ingress); err != nil {
		return err
	}
	if name := hub.Spec.Exposure.Ingress.TLSSecretName; name != "" {
		return r.checkIngressCertificate(ctx, hub, ingress, name)
	}
	return nil // the hub's own certificate, which has its own condition
}

func (r *Reconciler) checkIngressClass(ctx context.Context, ingress *networkingv1.Ingress) error {
	name := ingress.Spec.IngressClassName // the API server sets the default class
	if name == nil {
		if ingress.Annotations[legacyClass] != "" || len(ingress.Status.LoadBalancer.Ingress) > 0 {
			return nil
		}
		return &unknownError{
			reason: v1alpha1.AddressPending,
			message: "The Ingress has no class, because the cluster has no default IngressClass. " +
				"Set spec.exposure.ingress.className, unless a controller serves Ingresses without a class.",
		}
	}
	err := r.APIReader.Get(ctx, client.ObjectKey{Name: *name}, &networkingv1.IngressClass{})
	switch {
	case apierrors.IsNotFound(err):
		return &stalledError{
			reason: v1alpha1.IngressClassNotFound,
			message: fmt.Sprintf("IngressClass %q of spec.exposure.ingress does not exist. "+
				"Install its controller, or correct className (kubectl get ingressclasses).", *name),
			requeueAfter: pollInterval,
		}
	case err != nil:
		return fmt.Errorf("reading IngressClass %s: %w", *name, err)
	}
	return nil
}

// checkIngressCertificate checks the certificate that the Ingress serves. An annotation may make
// cert-manager create the Secret.
func (r *Reconciler) checkIngressCertificate(
	ctx context.Context, hub *v1alpha1.IntegrationHub, ingress *networkingv1.Ingress, name string,
) error {
	const field = "spec.exposure.ingress.tlsSecretName"
	secret, err := ReadSecret(ctx, r.APIReader, hub.Namespace, name)
	if err != nil {
		return err
	}
	if secret == nil {
		if isIssuedByAnnotation(ingress) {
			return waiting(v1alpha1.CertificateNotReady, "Secret %q of %s does not exist yet. Check that cert-manager creates it.", name, field)
		}
		return stalled(v1alpha1.SecretNotFound, "Secret %q of %s does not exist. Create it with the keys tls.crt and tls.key.", name, field)
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	host := resources.IngressHost(hub)
	switch {
	case err != nil:
		return stalled(v1alpha1.SecretInvalid,
			"The certificate in Secret %q of %s is not valid: tls.crt and tls.key must hold a certificate and its key.", name, field)
	case pair.Leaf.VerifyHostname(host) != nil:
		return stalled(v1alpha1.SecretInvalid, "The certificate in Secret %q of %s is not valid for %s.", name, field, host)
	case expired(pair.Leaf.NotAfter):
		return stalled(v1alpha1.SecretInvalid, "The certificate in Secret %q of %s has expired. Renew it.", name, field)
	}
	return nil
}

func isIssuedByAnnotation(ingress *networkingv1.Ingress) bool {
	return slices.ContainsFunc([]string{"issuer", "cluster-issuer"}, func(key string) bool {
		return strings.TrimSpace(ingress.Annotations["cert-manager.io/"+key]) != ""
	})
}
