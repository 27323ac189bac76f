package looker

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"integrationhub.dev/hub/looker/api"
)

// view is a hub as the API shows it. The token is write-only.
func (h *hub) view() api.IntegrationHub {
	v := api.IntegrationHub{
		ID: new(h.ID), URL: new(h.URL), Label: new(h.Label), Official: new(false), HasAuthorizationToken: new(h.Token != ""),
		LegalAgreementRequired: new(h.LegalAgreement != ""), LegalAgreementSigned: new(h.LegalSigned),
	}
	if h.FetchError != "" {
		v.FetchErrorMessage = new(h.FetchError)
	}
	if h.LegalAgreement != "" {
		v.LegalAgreementText = new(h.LegalAgreement)
	}
	return v
}

// usable is nil if a hub's integrations can be used.
// Source: the descriptions of fetch_error_message and legal_agreement_required in Looker's document.
func (h *hub) usable() error {
	switch {
	case h.FetchError != "":
		return errors.New("the action hub is unusable: " + h.FetchError)
	case h.LegalAgreement != "" && !h.LegalSigned:
		return errors.New("the legal agreement of the action hub must be accepted before it is used")
	}
	return nil
}

// listHubs is GET /integration_hubs.
func (l *Looker) listHubs(*apiCall) reply {
	return reply{status: http.StatusOK, body: l.Hubs()}
}

// showHub is GET /integration_hubs/{integration_hub_id}.
func (l *Looker) showHub(c *apiCall) reply { return l.hubReply(c.path("integration_hub_id")) }

func (l *Looker) hubReply(id string) reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.state.hub(id)
	if h == nil {
		return notFound()
	}
	return reply{status: http.StatusOK, body: h.view()}
}

// createHub is POST /integration_hubs.
func (l *Looker) createHub(c *apiCall) reply {
	var in api.IntegrationHub
	if err := json.Unmarshal(c.body, &in); err != nil {
		return errorReply(http.StatusBadRequest, "The body is not valid JSON.")
	}
	if in.URL == nil {
		return validationReply(invalidField("url", codeMissing, "This field is required."))
	}
	id, refused := l.addHub(*in.URL, deref(in.AuthorizationToken))
	if refused != nil {
		return *refused
	}
	// Looker calls the hub. Source: the operation's description, which limits its rate so that
	// Looker cannot be used to call other servers. That the call is for the list is an assumption.
	l.fetchList(c.ctx, id)
	return l.hubReply(id)
}

// addHub stores a new hub before it is called, so that a second request for the same URL is refused.
func (l *Looker) addHub(address, token string) (id string, refused *reply) {
	if problem := l.checkHubURL(address); problem != nil {
		return "", problem
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.hubAt(address) != nil {
		// Source: the 409 of the operation in Looker's document. That the URL must be unique is
		// an assumption.
		return "", new(errorReply(http.StatusConflict, "An action hub with this URL already exists."))
	}
	l.secrets.add(token)
	h := &hub{URL: address, Token: token, LegalAgreement: l.options.LegalAgreement}
	l.state.addHub(h)
	l.save()
	return h.ID, nil
}

// checkHubURL refuses what Looker cannot call.
// Source: docs/deploying.md of the reference, "Looker will only accept an action hub with a valid HTTPS
// certificate". That the URL is refused when it is stored is an assumption.
func (l *Looker) checkHubURL(address string) *reply {
	if !absolute(address, l.options.schemes()) {
		return new(validationReply(invalidField("url", codeInvalid, "The URL must start with https://.")))
	}
	return nil
}

// hubAt finds the hub with a URL. That a slash at the end makes no difference is an assumption.
func (s *state) hubAt(address string) *hub {
	i := slices.IndexFunc(s.Hubs, func(h *hub) bool { return strings.TrimRight(h.URL, "/") == strings.TrimRight(address, "/") })
	if i < 0 {
		return nil
	}
	return s.Hubs[i]
}

// updateHub is PATCH /integration_hubs/{integration_hub_id}. Members that are absent or null stay as
// they are, which is an assumption.
func (l *Looker) updateHub(c *apiCall) reply {
	id := c.path("integration_hub_id")
	var in api.IntegrationHub
	if err := json.Unmarshal(c.body, &in); err != nil {
		return errorReply(http.StatusBadRequest, "The body is not valid JSON.")
	}
	if refused := l.changeHub(id, in); refused != nil {
		return *refused
	}
	l.fetchList(c.ctx, id)
	return l.hubReply(id)
}

func (l *Looker) changeHub(id string, in api.IntegrationHub) *reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.state.hub(id)
	if h == nil {
		return new(notFound())
	}
	if in.URL != nil {
		if problem := l.checkHubURL(*in.URL); problem != nil {
			return problem
		}
		if other := l.state.hubAt(*in.URL); other != nil && other != h {
			// The operation has no 409. Source: "Already exists" of "Validation (422) errors" of
			// Looker's API troubleshooting.
			return new(validationReply(invalidField("url", codeExists, "An action hub with this URL already exists.")))
		}
		h.URL = *in.URL
	}
	if in.AuthorizationToken != nil {
		h.Token = *in.AuthorizationToken
		l.secrets.add(h.Token)
	}
	l.save()
	return nil
}

// removeHub is DELETE /integration_hubs/{integration_hub_id}.
func (l *Looker) removeHub(c *apiCall) reply {
	if err := l.DeleteHub(c.path("integration_hub_id")); err != nil {
		return notFound()
	}
	return reply{status: http.StatusNoContent}
}

// checkHub is GET /integration_hubs/{integration_hub_id}/health. That it requests the list, and
// changes nothing, is an assumption.
func (l *Looker) checkHub(c *apiCall) reply {
	id := c.path("integration_hub_id")
	l.mu.Lock()
	h := l.state.hub(id)
	l.mu.Unlock()
	if h == nil {
		return notFound()
	}
	result := api.IntegrationHubHealthResult{Success: new(true), Message: new("The action hub is reachable.")}
	if _, err := l.requestList(c.ctx, id, CallHealth); err != nil {
		result = api.IntegrationHubHealthResult{Success: new(false), Message: new(err.Error())}
	}
	return reply{status: http.StatusOK, body: result}
}

// acceptAgreement is POST /integration_hubs/{integration_hub_id}/accept_legal_agreement.
// Source: the operation's description in Looker's document: it works only where an agreement is
// required and not signed. That it otherwise answers 422 is an assumption.
func (l *Looker) acceptAgreement(c *apiCall) reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.state.hub(c.path("integration_hub_id"))
	switch {
	case h == nil:
		return notFound()
	case h.LegalAgreement == "" || h.LegalSigned:
		return unprocessable("The action hub has no legal agreement to accept.")
	}
	h.LegalSigned = true
	l.save()
	return reply{status: http.StatusOK, body: h.view()}
}

// fetchList requests a hub's list, and stores it or why there is none.
func (l *Looker) fetchList(ctx context.Context, id string) {
	list, err := l.requestList(ctx, id, CallList)
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.state.hub(id)
	if h == nil { // deleted in the meantime
		return
	}
	h.FetchError = ""
	if err != nil {
		h.FetchError = err.Error()
	} else {
		h.update(list)
	}
	l.save()
}

// update takes over a list. Settings stay with the integration's name, also while a hub does not list
// it, which is an assumption.
func (h *hub) update(list hubList) {
	h.Label = list.Label
	for _, i := range h.Integrations {
		i.Listed = false
	}
	for _, d := range list.Integrations {
		n := slices.IndexFunc(h.Integrations, func(i *integration) bool { return i.Definition.Name == d.Name })
		if n < 0 {
			h.Integrations = append(h.Integrations, newIntegration(d))
			continue
		}
		h.Integrations[n].Definition, h.Integrations[n].Listed = d, true
	}
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
