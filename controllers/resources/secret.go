package resources

import (
	"time"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
)

const secretKey = "secret"

// TokenChangedAnnotation is on the Secret of a token that is not accepted by all pods yet. Its value
// is when the token changed, in RFC 3339.
const TokenChangedAnnotation = "hub.integrationhub.dev/token-changed-at"

// ServiceSecret holds the generated service secret; nil if the user provides one. By default it
// outlives the hub: a hub of the same name then accepts the token that Looker has.
func ServiceSecret(in Inputs) *corev1ac.SecretApplyConfiguration {
	if in.Hub.Spec.ServiceSecretRef != nil {
		return nil
	}
	s := secret(in, ServiceSecretRef(in.Hub).Name, secretKey, in.ServiceSecret)
	if DeletesServiceSecret(in.Hub) {
		s.WithOwnerReferences(owner(in.Hub))
	}
	return s
}

// DeletesServiceSecret reports whether the generated service secret is deleted with the hub.
func DeletesServiceSecret(hub *v1alpha1.IntegrationHub) bool {
	return hub.Spec.ServiceSecretPolicy == v1alpha1.DeleteServiceSecret
}

// TokenSecret holds the token to enter in Looker.
func TokenSecret(in Inputs) *corev1ac.SecretApplyConfiguration {
	ref := TokenSecretRef(in.Hub)
	s := secret(in, ref.Name, ref.Key, in.Token).WithOwnerReferences(owner(in.Hub))
	if !in.TokenChangedAt.IsZero() {
		s.WithAnnotations(map[string]string{TokenChangedAnnotation: in.TokenChangedAt.UTC().Format(time.RFC3339)})
	}
	return s
}

func secret(in Inputs, name, key string, value []byte) *corev1ac.SecretApplyConfiguration {
	return corev1ac.Secret(name, in.Hub.Namespace).
		WithLabels(Labels(in.Hub)).
		WithAnnotations(Annotations(in.Hub)).
		WithData(map[string][]byte{key: value})
}
