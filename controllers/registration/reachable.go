package registration

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/lookerclient"
)

// checkReachable asks Looker whether it can connect to the hub.
func (r *Reconciler) checkReachable(ctx context.Context, s *scope) error {
	key := client.ObjectKeyFromObject(s.registration)
	err := r.askForHealth(ctx, s)
	if err == nil {
		r.rewritten.forget(key)
		return nil
	}
	// The token may have been changed in Looker, which does not return it. It is written again, once.
	if problemOf(err).reason == v1alpha1.HubUnreachable && s.token != nil && !s.tokenWritten && r.rewritten.add(key) {
		if err := r.writeHub(ctx, s, nil, new(string(s.token))); err != nil {
			return err
		}
		return r.askForHealth(ctx, s)
	}
	return err
}

func (r *Reconciler) askForHealth(ctx context.Context, s *scope) error {
	health, err := s.looker.Health(ctx, s.record.hubID)
	if err != nil {
		return err
	}
	// Looker's list of integrations may be older than the connection that works now, and the other way
	// round. The hub is unusable if either fails.
	said := valueOf(s.registered.FetchErrorMessage)
	if health.Success != nil && !*health.Success {
		said = valueOf(health.Message)
		if said == "" {
			said = "no reason given"
		}
	}
	if said == "" {
		return nil
	}
	return wait(v1alpha1.HubUnreachable, pollInterval,
		"Looker cannot use the hub. Looker's words: %q. Check that Looker's host resolves and reaches %s, and trusts the hub's certificate.",
		lookerclient.Clean(said), s.record.hubURL)
}

// rewrittenTokens are registrations whose token was written again because Looker could not connect. It
// keeps them from being written at every check.
type rewrittenTokens struct {
	mu   sync.Mutex
	keys map[types.NamespacedName]bool
}

// add reports whether the key is new.
func (w *rewrittenTokens) add(key types.NamespacedName) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys[key] {
		return false
	}
	if w.keys == nil {
		w.keys = map[types.NamespacedName]bool{}
	}
	w.keys[key] = true
	return true
}

func (w *rewrittenTokens) forget(key types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.keys, key)
}
