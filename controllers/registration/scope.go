package registration

import (
	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/lookerclient"
	"integrationhub.dev/hub/looker/api"
)

// record is what the status remembers of the hub in Looker.
type record struct{ hubID, hubURL, pendingHubURL, tokenDigest string }

func recordOf(status v1alpha1.LookerRegistrationStatus) record {
	return record{hubID: status.HubID, hubURL: status.HubURL, pendingHubURL: status.PendingHubURL, tokenDigest: status.TokenDigest}
}

// scope is one reconcile of one registration: its spec, and the facts that the steps gather. Each step
// adds its own facts; status.go turns all of them into conditions.
type scope struct {
	registration *v1alpha1.LookerRegistration
	// results are the errors that the steps returned, by condition.
	results map[string]error

	// hub is the IntegrationHub; nil if it could not be read.
	hub *v1alpha1.IntegrationHub
	// notServing is why nothing is written to Looker: its hub does not serve at its URL. Otherwise nil.
	notServing error
	looker     *lookerclient.Client
	apiSecret  string
	// token is the hub's current token; nil if it is not known. tokenPending says why Looker must not have it
	// yet.
	token        []byte
	tokenPending error
	// tokenWritten is set when this reconcile wrote the token.
	tokenWritten bool

	record record
	// registered is the hub as Looker has it; nil if it is not registered.
	registered *api.IntegrationHub
	// integrations is nil where Looker did not list them.
	integrations []v1alpha1.RegisteredIntegrationStatus
	enabled      *int32
	// paused are integrations that something else keeps changing back.
	paused []string
}

// serves reports whether the hub serves at its URL, so that Looker may be written to.
func (s *scope) serves() bool { return s.notServing == nil }

// deferred returns why something of a registered hub is not written to Looker yet; nil if all is. Looker can
// use the hub as it is registered.
func (s *scope) deferred() error {
	if s.registered == nil {
		return nil
	}
	if s.notServing != nil {
		return s.notServing
	}
	return s.tokenPending
}

// targetURL is the URL that the registration should have in Looker: the hub's, or the registered one
// while the hub does not serve.
func (s *scope) targetURL() string {
	if s.serves() && s.hub != nil {
		return s.hub.Status.URL
	}
	return s.record.hubURL
}
