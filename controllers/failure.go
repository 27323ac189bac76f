package controllers

import (
	"strings"
	"unicode"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"integrationhub.dev/api/v1alpha1"
)

// failure is what a condition says of a step that failed: what was being done, what came of
// it in the API server's words, and what the admin can do.
func failure(err error) outcome {
	message := sentence(err.Error())
	if advice := advise(err); advice != "" {
		message += " " + advice
	}
	return notDone(v1alpha1.ReconcileFailed, "%s The operator tries again by itself.", message)
}

// hints are what to do about errors, the more special ones first.
var hints = []struct {
	of   func(error) bool
	hint string
}{
	{says("failed to allocate a serviceIP"), "The cluster has no address left for Services: delete some, or add a range (kubectl get servicecidrs)."},
	{says("failed to allocate a nodePort"), "The cluster has no node port left: delete Services of the types NodePort and LoadBalancer, or have the range widened."},
	{says("exceeded quota"), "Raise the namespace's quota, or delete what nobody needs (kubectl describe quota)."},
	{says("failed calling webhook"), "An admission webhook of the cluster does not answer: mend what serves it (kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations)."},
	{says("denied the request"), "A policy of the cluster forbids it: change the spec, or the policy."},
	{says("being terminated"), "The namespace is being deleted, and the hub with it."},
	{says(`User "system:serviceaccount:`), "The operator lacks this right: bring its roles up to date, with helm upgrade or kubectl apply -k config/default."},
	{apierrors.IsInvalid, "Correct the part of the spec that it comes from."},
	{overloaded, "The API server is overloaded or about to start."},
}

func says(text string) func(error) bool {
	return func(err error) bool { return strings.Contains(err.Error(), text) }
}

func overloaded(err error) bool {
	return apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
}

func advise(err error) string {
	for _, h := range hints {
		if h.of(err) {
			return h.hint
		}
	}
	return ""
}

// sentence is a text as a sentence, and short enough for a condition.
func sentence(text string) string {
	text = short(text)
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "…") {
		text += "."
	}
	return text
}
