package controllers

import (
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/controllers/resources"
)

// scope is one reconcile of one hub: its spec, and the facts that the steps gather. Each step
// adds its own facts and changes no others; status.go turns all of them into conditions.
type scope struct {
	hub    *v1alpha1.IntegrationHub
	inputs resources.Inputs
	// defaults are the fields of the spec whose values come from the operator's defaults.
	defaults []string
	// results are the errors that the steps returned, by condition.
	results map[string]error

	// certificate is nil while the certificate has not been read.
	certificate *certificateFacts
	// workload is nil while the Deployment has not been read.
	workload *workloadFacts
	// frozen are the inputs of the pods that run, while they cannot be those of the current spec;
	// otherwise nil.
	frozen *resources.Inputs
	// token is the state of a changed token; nil if pods accept the token.
	token error
	// previousTokenUsers are LookerRegistrations with a previous token.
	previousTokenUsers []string
	// rollout is nil unless the pods have to wait for rollouts of other hubs.
	rollout *rolloutFacts
	// report is nil where no running hub answered.
	report *hubclient.Report
	// versions are those of all pods that answered.
	versions []string
	// custom is nil if the hub offers no no-code integrations, or they could not be read.
	custom *customFacts
	// reports are those of all pods; nil where not all answered.
	reports []hubclient.Report
}

// certificateFacts is what is known about the hub's certificate.
type certificateFacts struct {
	notAfter *metav1.Time
	// privateCA is set when the issuer's certificates are not signed by a public authority.
	privateCA bool
}

// workloadFacts is what is known about the hub's pods.
type workloadFacts struct {
	// deployment is nil where there is none.
	deployment *appsv1.Deployment
	// current is set when the Deployment has the pod template of the current spec.
	current bool
}

func (s *scope) accepted() bool { return s.results[v1alpha1.Accepted] == nil }

// prerequisites are the conditions whose steps provide what pods read at startup.
var prerequisites = []string{v1alpha1.Accepted, v1alpha1.CredentialsReady, v1alpha1.IntegrationsReady, v1alpha1.CertificateReady}

// succeeded reports whether the step of a condition succeeded.
func (s *scope) succeeded(condition string) bool { return s.results[condition] == nil }

// blocked reports whether a prerequisite is missing. The template of the pods is then left unchanged.
func (s *scope) blocked() bool {
	if resources.OffersCustom(s.hub) && s.custom == nil {
		return true // the Secrets that pods mount are not known
	}
	for _, condition := range prerequisites {
		if s.results[condition] != nil {
			return true
		}
	}
	return false
}

// outdated reports whether pods run with the configuration of an earlier spec.
func (s *scope) outdated() bool {
	return s.workload != nil && s.workload.deployment != nil && !s.workload.current
}

// serving reports whether a pod is ready, of any version.
func (s *scope) serving() bool {
	return s.workload != nil && s.workload.deployment != nil && s.workload.deployment.Status.ReadyReplicas > 0
}

// exposed are the inputs of the objects that route requests to the pods.
func (s *scope) exposed() resources.Inputs {
	if s.frozen != nil {
		return *s.frozen
	}
	return s.inputs
}

// integrations are those that a running hub reported, now or last time.
func (s *scope) integrations() []v1alpha1.IntegrationStatus {
	if s.report == nil {
		return s.hub.Status.Integrations
	}
	return integrationStatus(*s.report, resources.NamedIntegrations(s.hub))
}
