package controllers

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// failureMessage describes an unexpected error: what was being done, what the API server
// answered, and what the admin can do.
func failureMessage(err error) string {
	message := sentence(err.Error())
	if hint := hintFor(err); hint != "" {
		message += " " + hint
	}
	return message + " The operator retries automatically."
}

// hints say what to do about an error, the more specific ones first.
var hints = []struct {
	matches func(error) bool
	hint    string
}{
	{
		matches: contains("failed to allocate a serviceIP"),
		hint:    "The cluster has no free Service addresses: delete unused Services, or add a range (kubectl get servicecidrs).",
	},
	{
		matches: contains("failed to allocate a nodePort"),
		hint:    "The cluster has no free node ports: delete Services of type NodePort or LoadBalancer, or extend the range.",
	},
	{
		matches: contains("exceeded quota"),
		hint:    "Raise the namespace's quota, or delete unused objects (kubectl describe quota).",
	},
	{
		matches: contains("failed calling webhook"),
		hint: "An admission webhook of the cluster is not responding: " +
			"check its backend (kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations).",
	},
	{
		// The words of webhooks and of ValidatingAdmissionPolicies.
		matches: containsAny("denied the request", "denied request:"),
		hint:    "An admission policy of the cluster denied the request. Change the spec, or the policy.",
	},
	{
		matches: contains("being terminated"),
		hint:    "The namespace is being deleted, and the hub with it.",
	},
	{
		matches: contains(`User "system:serviceaccount:`),
		hint:    "The operator lacks this permission: update its roles with helm upgrade or kubectl apply -k config/default.",
	},
	{matches: apierrors.IsInvalid, hint: "Correct the part of the spec that the error names."},
	{matches: overloaded, hint: "The API server is overloaded or starting."},
}

func contains(text string) func(error) bool {
	return func(err error) bool { return strings.Contains(err.Error(), text) }
}

func containsAny(texts ...string) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(err.Error(), text) })
	}
}

func overloaded(err error) bool {
	return apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
}

func hintFor(err error) string {
	for _, h := range hints {
		if h.matches(err) {
			return h.hint
		}
	}
	return ""
}

// sentence formats an error text as a sentence that fits into a condition.
func sentence(text string) string {
	text = sanitize(text)
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "…") {
		text += "."
	}
	return text
}
