package resources

import (
	"cmp"

	"integrationhub.dev/api/v1alpha1"
)

// SecretVariable is a variable of the hub's own whose value is in a Secret that the spec
// names.
type SecretVariable struct {
	// Name is the variable's.
	Name string
	// Field is where the spec names the Secret.
	Field string
	Ref   v1alpha1.SecretKeyRef
	// Optional variables may be missing from the Secret.
	Optional bool
}

// The variables by which programs are told of a proxy.
var proxyVariables = []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"}

// SecretVariables are those of a hub, in order.
func SecretVariables(hub *v1alpha1.IntegrationHub) []SecretVariable {
	var list []SecretVariable
	one := func(name, field string, ref v1alpha1.SecretKeyRef) {
		ref.Key = cmp.Or(ref.Key, secretKey)
		list = append(list, SecretVariable{Name: name, Field: field, Ref: ref})
	}
	if ref := hub.Spec.CipherSecretRef; ref != nil {
		one("CIPHER_MASTER", "spec.cipherSecretRef", *ref)
	}
	if s := hub.Spec.Sentry; s != nil {
		one("SENTRY_DSN", "spec.sentry.dsnSecretRef", s.DSNSecretRef)
	}
	if p := proxy(hub); p != nil {
		for _, name := range proxyVariables {
			ref := v1alpha1.SecretKeyRef{Name: p.SecretRef.Name, Key: name}
			list = append(list, SecretVariable{Name: name, Field: "spec.egress.proxy.secretRef", Ref: ref, Optional: true})
		}
	}
	return list
}

func proxy(hub *v1alpha1.IntegrationHub) *v1alpha1.Proxy {
	if hub.Spec.Egress == nil {
		return nil
	}
	return hub.Spec.Egress.Proxy
}
