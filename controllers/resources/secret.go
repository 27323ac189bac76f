package resources

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

const secretKey = "secret"

// ServiceSecret holds the generated service secret; nil if the user provides one.
func ServiceSecret(in Inputs) *corev1ac.SecretApplyConfiguration {
	if in.Hub.Spec.ServiceSecretRef != nil {
		return nil
	}
	return secret(in, ServiceSecretRef(in.Hub).Name, secretKey, in.ServiceSecret)
}

// TokenSecret holds the token to enter in Looker.
func TokenSecret(in Inputs) *corev1ac.SecretApplyConfiguration {
	ref := TokenSecretRef(in.Hub)
	return secret(in, ref.Name, ref.Key, in.Token)
}

func secret(in Inputs, name, key string, value []byte) *corev1ac.SecretApplyConfiguration {
	return corev1ac.Secret(name, in.Hub.Namespace).
		WithLabels(Labels(in.Hub)).
		WithAnnotations(Annotations(in.Hub)).
		WithOwnerReferences(owner(in.Hub)).
		WithData(map[string][]byte{key: value})
}
