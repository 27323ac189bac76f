package resources

import (
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmv1ac "github.com/cert-manager/cert-manager/pkg/client/applyconfigurations/certmanager/v1"
	cmmetav1ac "github.com/cert-manager/cert-manager/pkg/client/applyconfigurations/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
)

// Certificate requests the hub's certificate from cert-manager; nil if the user provides one. The
// operator owns the Certificate, and never the Secret that cert-manager creates.
func Certificate(in Inputs) *cmv1ac.CertificateApplyConfiguration {
	tls := in.Hub.Spec.TLS
	if tls.IssuerRef == nil {
		return nil
	}
	names, addresses := CertificateNames(in.Hub)
	spec := cmv1ac.CertificateSpec().
		WithSecretName(TLSSecretName(in.Hub)).
		// The Secret outlives the Certificate; the labels say which hub it belonged to.
		WithSecretTemplate(cmv1ac.CertificateSecretTemplate().
			WithLabels(Labels(in.Hub)).WithAnnotations(Annotations(in.Hub))).
		WithDNSNames(names...).
		WithIPAddresses(addresses...).
		WithUsages(cmv1.UsageDigitalSignature, cmv1.UsageKeyEncipherment, cmv1.UsageServerAuth).
		WithIssuerRef(cmmetav1ac.IssuerReference().WithName(tls.IssuerRef.Name).WithKind(tls.IssuerRef.Kind).WithGroup(tls.IssuerRef.Group)).
		WithPrivateKey(privateKey(tls.PrivateKey))
	if d, err := time.ParseDuration(tls.Duration); err == nil {
		spec.WithDuration(metav1.Duration{Duration: d})
	}
	if d, err := time.ParseDuration(tls.RenewBefore); err == nil {
		spec.WithRenewBefore(metav1.Duration{Duration: d})
	}
	return cmv1ac.Certificate(in.Hub.Name, in.Hub.Namespace).
		WithLabels(Labels(in.Hub)).
		WithAnnotations(Annotations(in.Hub)).
		WithOwnerReferences(owner(in.Hub)).
		WithSpec(spec)
}

func privateKey(k *v1alpha1.PrivateKey) *cmv1ac.CertificatePrivateKeyApplyConfiguration {
	if k == nil {
		return cmv1ac.CertificatePrivateKey().
			WithAlgorithm(cmv1.ECDSAKeyAlgorithm).WithSize(256).WithRotationPolicy(cmv1.RotationPolicyAlways)
	}
	out := cmv1ac.CertificatePrivateKey().
		WithAlgorithm(cmv1.PrivateKeyAlgorithm(k.Algorithm)).WithRotationPolicy(cmv1.PrivateKeyRotationPolicy(k.RotationPolicy))
	if k.Size > 0 {
		out.WithSize(int(k.Size))
	}
	return out
}
