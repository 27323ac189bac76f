package registration

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/lookerclient"
	"integrationhub.dev/controllers/tokendigest"
	"integrationhub.dev/hub/looker/api"
)

// register finds the hub in Looker, or creates it, and gives it the current URL and token. Looker is
// always asked for the hub before it is created: an earlier manager may have been killed in between.
func (r *Reconciler) register(ctx context.Context, s *scope) error {
	hubs, err := s.looker.Hubs(ctx)
	if err != nil {
		return err
	}
	found := findHub(hubs, s.record, s.targetURL())
	switch {
	case found.moved != nil:
		return stall(v1alpha1.HubURLChanged, pollInterval, "The URL of hub %s was changed to %s in Looker. Change it back to %s in Looker, or delete the hub.",
			s.record.hubID, lookerclient.Clean(valueOf(found.moved.URL)), s.record.hubURL)
	case found.own != nil:
		s.registered = found.own
	case len(found.others) > 0:
		err = r.takeOver(ctx, s, found.others)
	default:
		err = r.create(ctx, s)
	}
	if err != nil {
		return err
	}
	if err := r.update(ctx, s); err != nil {
		return err
	}
	return r.legalAgreement(ctx, s)
}

// takeOver makes a hub that exists in Looker the registration's own. It is that already if the manager was
// killed after it created the hub.
func (r *Reconciler) takeOver(ctx context.Context, s *scope, others []api.IntegrationHub) error {
	if len(others) > 1 {
		var ids []string
		for _, o := range others {
			ids = append(ids, valueOf(o.ID))
		}
		return stall(v1alpha1.DuplicateHubs, pollInterval, "Looker has several hubs with the URL %s: %s. Delete all but one of them in Looker.",
			s.targetURL(), lookerclient.Clean(strings.Join(ids, ", ")))
	}
	hub := others[0]
	created := sameURL(s.record.pendingHubURL, valueOf(hub.URL))
	if !created && !s.registration.Spec.Adopt {
		return stall(v1alpha1.HubExists, pollInterval,
			"Hub %s (%q) in Looker already has the URL %s. This registration did not create that hub. "+
				"Delete it in Looker, or set spec.adopt to adopt it.",
			lookerclient.Clean(valueOf(hub.ID)), lookerclient.Clean(valueOf(hub.Label)), s.targetURL())
	}
	s.registered = &hub
	s.record = record{hubID: valueOf(hub.ID), hubURL: valueOf(hub.URL), tokenDigest: s.record.tokenDigest}
	if !created {
		s.record.tokenDigest = ""
	}
	if err := r.keep(ctx, s); err != nil {
		return err
	}
	verb := "adopted"
	if created {
		verb = "created"
	}
	r.Recorder.Eventf(s.registration, nil, corev1.EventTypeNormal, v1alpha1.HubRegistered, "Register",
		"The hub was %s in Looker with the ID %s.", verb, s.record.hubID)
	return nil
}

// create registers the hub in Looker. The status says so beforehand: if the manager is killed in between,
// the next one recognizes the hub by its URL.
func (r *Reconciler) create(ctx context.Context, s *scope) error {
	previous := s.record.hubID
	switch {
	case s.notServing != nil:
		return s.notServing
	case previous != "" && s.registration.Spec.MissingHubPolicy == v1alpha1.StallWithoutHub:
		return stall(v1alpha1.HubMissing, pollInterval,
			"Hub %s was deleted in Looker. To recreate it, set spec.missingHubPolicy to Recreate. Otherwise delete the registration.", previous)
	case s.token == nil:
		return s.tokenPending
	}
	url := s.targetURL()
	if !sameURL(s.record.pendingHubURL, url) {
		s.record.pendingHubURL = url
		if err := r.keep(ctx, s); err != nil {
			return err
		}
	}
	hub, err := s.looker.CreateHub(ctx, url, string(s.token))
	if err != nil {
		if !lookerclient.IsInDoubt(err) && lookerclient.KindOf(err) != lookerclient.Conflict {
			s.record.pendingHubURL = "" // Looker refused it
		}
		return err
	}
	s.registered, s.tokenWritten = &hub, true
	s.record = record{hubID: valueOf(hub.ID), hubURL: url, tokenDigest: tokendigest.New(s.token)}
	if err := r.keep(ctx, s); err != nil {
		return err
	}
	if previous != "" {
		r.Recorder.Eventf(s.registration, nil, corev1.EventTypeWarning, v1alpha1.HubRecreated, "Register",
			"Hub %s was deleted in Looker and recreated with the ID %s. Update the schedules that used the deleted hub.", previous, s.record.hubID)
		return nil
	}
	r.Recorder.Eventf(s.registration, nil, corev1.EventTypeNormal, v1alpha1.HubRegistered, "Register",
		"The hub was created in Looker with the ID %s.", s.record.hubID)
	return nil
}

// update gives the hub in Looker the current URL and token, if it has others. Looker's answers never
// contain the token, so the digest of the last one that was written decides.
func (r *Reconciler) update(ctx context.Context, s *scope) error {
	if !s.serves() {
		return nil
	}
	var url, token *string
	if !sameURL(valueOf(s.registered.URL), s.targetURL()) {
		url = new(s.targetURL())
	}
	hasToken := s.registered.HasAuthorizationToken == nil || *s.registered.HasAuthorizationToken
	if s.token != nil && !s.tokenWritten && (!hasToken || !tokendigest.Matches(s.record.tokenDigest, s.token)) {
		token = new(string(s.token))
	}
	if url == nil && token == nil {
		return nil
	}
	return r.writeHub(ctx, s, url, token)
}

func (r *Reconciler) writeHub(ctx context.Context, s *scope, url, token *string) error {
	hub, err := s.looker.UpdateHub(ctx, s.record.hubID, url, token)
	if err != nil {
		return err
	}
	s.registered = &hub
	if url != nil {
		s.record.hubURL = *url
	}
	if token == nil {
		return r.keep(ctx, s)
	}
	s.tokenWritten = true
	s.record.tokenDigest = tokendigest.New(s.token)
	if err := r.keep(ctx, s); err != nil {
		return err
	}
	r.Recorder.Eventf(s.registration, nil, corev1.EventTypeNormal, v1alpha1.TokenUpdated, "Update", "Looker has the current token of the hub.")
	return nil
}

// legalAgreement accepts the legal agreement of the hub, if the spec says so.
func (r *Reconciler) legalAgreement(ctx context.Context, s *scope) error {
	if !valueOf(s.registered.LegalAgreementRequired) || valueOf(s.registered.LegalAgreementSigned) {
		return nil
	}
	if !s.registration.Spec.AcceptLegalAgreement {
		return stall(v1alpha1.LegalAgreementRequired, pollInterval,
			"Looker requires a legal agreement for the hub. Read and accept it in Looker (Admin > Actions), or set spec.acceptLegalAgreement.")
	}
	hub, err := s.looker.AcceptLegalAgreement(ctx, s.record.hubID)
	if err != nil {
		return err
	}
	s.registered = &hub
	return nil
}

// keep writes at once what a later manager must know of Looker. Other fields of the status follow at the
// end of the reconcile.
func (r *Reconciler) keep(ctx context.Context, s *scope) error {
	status := s.registration.Status.DeepCopy()
	s.record.copyTo(status)
	if err := r.patchStatus(ctx, s, status); err != nil {
		return fmt.Errorf("recording the hub in Looker: %w", err)
	}
	return nil
}

func (r record) copyTo(status *v1alpha1.LookerRegistrationStatus) {
	status.HubID, status.HubURL, status.PendingHubURL, status.TokenDigest = r.hubID, r.hubURL, r.pendingHubURL, r.tokenDigest
}
