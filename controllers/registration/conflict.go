package registration

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// checkConflict refuses a registration of a URL that another one registers in the same Looker: both would
// write the token and the settings of the same hub. Registrations of other clusters cannot be recognized.
// Looker stores nothing of a hub but its URL and its token, and takes the label from the hub, so there is no
// place for a mark of an owner. Their hubs are found by URL, and left unchanged without spec.adopt.
func (r *Reconciler) checkConflict(ctx context.Context, s *scope) error {
	other, err := r.rival(ctx, s.registration, s.targetURL())
	if err != nil || other == nil {
		return err
	}
	return stall(v1alpha1.RegistrationConflict, pollInterval,
		"LookerRegistration %s/%s already registers %s in this Looker instance. Delete one of them.", other.Namespace, other.Name, s.targetURL())
}

// rival returns another registration of the same URL in the same Looker that takes precedence; nil if
// there is none.
func (r *Reconciler) rival(ctx context.Context, registration *v1alpha1.LookerRegistration, url string) (*v1alpha1.LookerRegistration, error) {
	all := &v1alpha1.LookerRegistrationList{}
	if err := r.List(ctx, all, client.UnsafeDisableDeepCopy); err != nil { // they are only read
		return nil, fmt.Errorf("listing LookerRegistrations: %w", err)
	}
	for i := range all.Items {
		other := &all.Items[i]
		if other.UID != registration.UID && sameURL(other.Spec.Looker.URL, registration.Spec.Looker.URL) &&
			registers(other, registration, url) && precedes(other, registration, url) {
			return other, nil
		}
	}
	return nil, nil //nolint:nilnil // no rival is an expected result
}

// registers reports whether another registration is of the same hub, or of one with this URL.
func registers(other, registration *v1alpha1.LookerRegistration, url string) bool {
	return holds(other, url) || other.Namespace == registration.Namespace && other.Spec.HubRef == registration.Spec.HubRef
}

// holds reports whether a registration has registered a URL, or is about to.
func holds(registration *v1alpha1.LookerRegistration, url string) bool {
	return sameURL(registration.Status.HubURL, url) || sameURL(registration.Status.PendingHubURL, url)
}

// precedes reports which of two registrations of a URL keeps it: the one that has it, or the older one.
func precedes(a, b *v1alpha1.LookerRegistration, url string) bool {
	if holdsA, holdsB := holds(a, url), holds(b, url); holdsA != holdsB {
		return holdsA
	}
	if !a.DeletionTimestamp.IsZero() && !holds(a, url) {
		return false
	}
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Namespace+"/"+a.Name < b.Namespace+"/"+b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}
