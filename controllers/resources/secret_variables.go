package resources

import (
	"cmp"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/hub/env"
)

// SecretVariable is a variable of the hub itself whose value comes from a Secret of the spec.
type SecretVariable struct {
	// Name of the variable.
	Name string
	// Field of the spec that names the Secret.
	Field string
	Ref   v1alpha1.SecretKeyRef
	// Optional variables may be missing from the Secret.
	Optional bool
}

var proxyVariables = []string{env.HTTPSProxy, env.HTTPProxy, env.NoProxy}

// SecretVariables lists the variables that a hub reads from Secrets, in order.
func SecretVariables(hub *v1alpha1.IntegrationHub) []SecretVariable {
	var list []SecretVariable
	one := func(name, field string, ref v1alpha1.SecretKeyRef) {
		ref.Key = cmp.Or(ref.Key, secretKey)
		list = append(list, SecretVariable{Name: name, Field: field, Ref: ref})
	}
	if ref := hub.Spec.CipherSecretRef; ref != nil {
		one(env.CipherMaster, "spec.cipherSecretRef", *ref)
	}
	if s := hub.Spec.Sentry; s != nil {
		one(env.SentryDSN, "spec.sentry.dsnSecretRef", s.DSNSecretRef)
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
