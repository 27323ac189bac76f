package controllers

import (
	"context"
	"fmt"
	"hash"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/conditions"
	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/controllers/resources"
)

// upstreams checks the Secrets and ConfigMaps of spec.upstreams. Pods read a new token without a restart, so
// only the CA certificates are hashed.
func (r *Reconciler) upstreams(ctx context.Context, hub *v1alpha1.IntegrationHub, sum hash.Hash) error {
	for _, u := range hub.Spec.Upstreams {
		field := fmt.Sprintf("spec.upstreams[%s]", u.Name)
		secret, err := ReadSecret(ctx, r.APIReader, hub.Namespace, u.TokenSecretRef.Name)
		if err != nil {
			return err
		}
		if secret == nil {
			return stalled(v1alpha1.SecretNotFound,
				"Secret %q of %s.tokenSecretRef does not exist. Create it; running pods are left unchanged until then.", u.TokenSecretRef.Name, field)
		}
		if key := resources.UpstreamTokenKey(u); strings.TrimSpace(string(secret.Data[key])) == "" {
			return stalled(v1alpha1.SecretInvalid,
				"Secret %q of %s.tokenSecretRef has no value under the key %q.", u.TokenSecretRef.Name, field, key)
		}
		if u.CABundleRef == nil {
			continue
		}
		bundle, err := r.caBundle(ctx, hub.Namespace, field+".caBundleRef", u.CABundleRef.Name, resources.UpstreamCAKey(u))
		if err != nil {
			return err
		}
		addTo(sum, bundle)
	}
	return nil
}

// upstreamsOutcome returns what a running hub reports about its upstreams: that it cannot reach one, or does
// not offer what one has.
func (s *scope) upstreamsOutcome() error {
	if len(s.hub.Spec.Upstreams) == 0 {
		return nil
	}
	if s.report == nil {
		return s.unreportedUpstreams()
	}
	var failing, refused []string
	for _, u := range s.hub.Spec.Upstreams {
		i := slices.IndexFunc(s.report.Upstreams, func(r hubclient.Upstream) bool { return r.Name == u.Name })
		switch {
		case i < 0:
			return &unknownError{reason: v1alpha1.Pending, message: "The running hub does not report its upstreams. Its version may be too old."}
		case s.report.Upstreams[i].Problem != "":
			failing = append(failing, u.Name+": "+sanitize(s.report.Upstreams[i].Problem))
		}
		if list := refusals(s.report.Upstreams[i].Refused); list != "" {
			refused = append(refused, u.Name+": "+list)
		}
	}
	switch {
	case len(failing) > 0:
		return &stalledError{
			reason: v1alpha1.UpstreamFailing, requeueAfter: pollInterval,
			message: "The hub cannot list the integrations of " + strings.Join(failing, " ") + " Known integrations stay listed; requests for them may fail.",
		}
	case len(refused) > 0:
		return &stalledError{
			reason: v1alpha1.UpstreamIntegrationsRefused, requeueAfter: pollInterval,
			message: "These integrations are not available: " + strings.Join(refused, "; ") + ".",
		}
	}
	return nil
}

// unreportedUpstreams keeps the condition while no running hub answers.
func (s *scope) unreportedUpstreams() error {
	c := meta.FindStatusCondition(s.hub.Status.Conditions, v1alpha1.UpstreamsReady)
	switch {
	case c == nil || c.Status == metav1.ConditionUnknown:
		return &unknownError{reason: v1alpha1.Pending, message: "No running hub has reported its upstreams yet."}
	case c.Status == metav1.ConditionFalse:
		return &stalledError{reason: c.Reason, message: c.Message, requeueAfter: pollInterval}
	}
	return nil
}

// refusals names integrations of an upstream that the hub does not offer, with the reasons.
func refusals(all []hubclient.Refusal) string {
	var list []string
	for _, r := range all {
		list = append(list, sanitize(r.Name)+" ("+strings.TrimSuffix(sanitize(r.Reason), ".")+")")
	}
	return listed(list)
}

func (s *scope) upstreamsMessage() string {
	n := len(s.hub.Spec.Upstreams)
	if n == 0 {
		return ""
	}
	if s.report == nil {
		c := meta.FindStatusCondition(s.hub.Status.Conditions, v1alpha1.UpstreamsReady)
		if c != nil && c.Status == metav1.ConditionTrue {
			return c.Message
		}
		return "All upstreams are reachable."
	}
	offered := 0
	for _, u := range s.report.Upstreams {
		offered += len(u.Integrations)
	}
	return fmt.Sprintf("All upstreams are reachable; %d of their integrations are available.", offered)
}

// emitUpstreamsEvent emits a warning when an upstream fails. Ready does not change then.
func (r *Reconciler) emitUpstreamsEvent(hub *v1alpha1.IntegrationHub, status *v1alpha1.IntegrationHubStatus) {
	before := meta.FindStatusCondition(hub.Status.Conditions, v1alpha1.UpstreamsReady)
	now := meta.FindStatusCondition(status.Conditions, v1alpha1.UpstreamsReady)
	if now == nil || now.Status != metav1.ConditionFalse || before != nil && before.Reason == now.Reason {
		return
	}
	conditions.EmitWarning(r.Recorder, hub, now)
}
