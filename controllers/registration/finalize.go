package registration

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/lookerclient"
)

// ensureFinalizer gives a registration the finalizer exactly if its hub has to be deleted in Looker. A
// registration without one can always be deleted.
func (r *Reconciler) ensureFinalizer(ctx context.Context, registration *v1alpha1.LookerRegistration) error {
	wanted := registration.Spec.DeletionPolicy == v1alpha1.DeleteHub
	if controllerutil.ContainsFinalizer(registration, v1alpha1.RegistrationFinalizer) == wanted {
		return nil
	}
	return r.patchFinalizer(ctx, registration, wanted)
}

func (r *Reconciler) patchFinalizer(ctx context.Context, registration *v1alpha1.LookerRegistration, wanted bool) error {
	before := registration.DeepCopy()
	if wanted {
		controllerutil.AddFinalizer(registration, v1alpha1.RegistrationFinalizer)
	} else {
		controllerutil.RemoveFinalizer(registration, v1alpha1.RegistrationFinalizer)
	}
	// The list of finalizers is replaced as a whole, so another version of it must not be overwritten.
	err := r.Patch(ctx, registration, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), controllers.FieldOwner)
	if err != nil {
		return fmt.Errorf("changing the finalizer: %w", err)
	}
	return nil
}

// finalize deletes the hub in Looker before its registration is deleted.
func (r *Reconciler) finalize(ctx context.Context, registration *v1alpha1.LookerRegistration) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(registration, v1alpha1.RegistrationFinalizer) {
		return ctrl.Result{}, nil
	}
	err := r.unregister(ctx, registration)
	if err != nil && registration.Annotations[v1alpha1.AbandonAnnotation] == "true" {
		r.Recorder.Eventf(registration, nil, corev1.EventTypeWarning, v1alpha1.RegistrationAbandoned, "Delete",
			"The registration was deleted because of the annotation %[3]s. Its hub may still exist in Looker (ID %[1]q, %[2]s): %[4]s",
			registration.Status.HubID, registration.Status.HubURL, v1alpha1.AbandonAnnotation, problemOf(err).message)
		err = nil
	}
	if err == nil {
		if err = r.patchFinalizer(ctx, registration, false); err != nil {
			return retryChanged(err)
		}
		r.forget(ctx, client.ObjectKeyFromObject(registration))
		return ctrl.Result{}, nil
	}
	p := problemOf(err)
	s := &scope{registration: registration, record: recordOf(registration.Status)}
	if result, statusErr := r.writeStatus(ctx, s, deletingStatus(s, p)); statusErr != nil || result.RequeueAfter > 0 {
		return result, statusErr
	}
	if p.class == failed {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: max(p.requeueAfter, pollInterval)}, nil
}

// unregister deletes the hub in Looker, if it is this registration's.
func (r *Reconciler) unregister(ctx context.Context, registration *v1alpha1.LookerRegistration) error {
	known := recordOf(registration.Status)
	url := known.hubURL
	if known.pendingHubURL != "" {
		url = known.pendingHubURL
	}
	if url == "" {
		return nil // nothing was registered
	}
	if other, err := r.otherHolder(ctx, registration, url); err != nil || other != nil {
		return err // the hub stays with the other registration
	}
	looker, err := r.deletionClient(ctx, registration)
	if err != nil {
		return err
	}
	hubs, err := looker.Hubs(ctx)
	if err != nil {
		return err
	}
	found := findHub(hubs, known, url)
	own := found.own
	if own == nil && known.pendingHubURL != "" && len(found.others) == 1 {
		own = &found.others[0]
	}
	if own == nil {
		return nil
	}
	if err := looker.DeleteHub(ctx, valueOf(own.ID)); err != nil && lookerclient.KindOf(err) != lookerclient.NotFound {
		return err
	}
	r.Recorder.Eventf(registration, nil, corev1.EventTypeNormal, v1alpha1.HubUnregistered, "Delete",
		"Hub %s was deleted in Looker.", lookerclient.Clean(valueOf(own.ID)))
	return nil
}

// deletionClient returns the client that deletes a hub. Whoever deletes a namespace deletes the API key and the CA
// bundle with the registration, so the client that is in memory is used if they are gone.
func (r *Reconciler) deletionClient(ctx context.Context, registration *v1alpha1.LookerRegistration) (*lookerclient.Client, error) {
	key := client.ObjectKeyFromObject(registration)
	config, err := r.lookerConfig(ctx, registration)
	if err == nil {
		return r.sessions.client(ctx, key, config, r.Looker)
	}
	if reason := problemOf(err).reason; reason == v1alpha1.SecretNotFound || reason == v1alpha1.ConfigMapNotFound {
		if last := r.sessions.last(key); last != nil {
			return last, nil
		}
	}
	return nil, err
}

// otherHolder returns another registration that has the same hub in the same Looker.
func (r *Reconciler) otherHolder(ctx context.Context, registration *v1alpha1.LookerRegistration, url string) (*v1alpha1.LookerRegistration, error) {
	all := &v1alpha1.LookerRegistrationList{}
	if err := r.List(ctx, all, client.UnsafeDisableDeepCopy); err != nil { // they are only read
		return nil, fmt.Errorf("listing LookerRegistrations: %w", err)
	}
	for i := range all.Items {
		other := &all.Items[i]
		if other.UID != registration.UID && other.DeletionTimestamp.IsZero() &&
			sameURL(other.Spec.Looker.URL, registration.Spec.Looker.URL) && holds(other, url) {
			return other, nil
		}
	}
	return nil, nil //nolint:nilnil // no other one is an expected result
}

// forget drops what the memory has of a registration that is deleted.
func (r *Reconciler) forget(ctx context.Context, key types.NamespacedName) {
	r.sessions.end(ctx, key)
	r.repairs.forget(key)
	r.corrections.forget(key)
}
