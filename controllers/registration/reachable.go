package registration

import (
	"cmp"
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/lookerclient"
)

// checkReachable asks Looker whether it can connect to the hub, and whether it could read the hub's
// integrations. The hub is unusable if either fails.
func (r *Reconciler) checkReachable(ctx context.Context, s *scope) error {
	key := client.ObjectKeyFromObject(s.registration)
	said, err := r.askForHealth(ctx, s)
	if err == nil && said != "" && s.token != nil && !s.tokenWritten && r.repairs.writeToken(key) {
		// The token may have been changed in Looker, which does not return it. It is written again, once.
		if err = r.writeHub(ctx, s, nil, new(string(s.token))); err == nil {
			said, err = r.askForHealth(ctx, s)
		}
	}
	if err != nil {
		return err
	}
	if said == "" {
		r.repairs.healthy(key)
		if said = valueOf(s.registered.FetchErrorMessage); said != "" { // from before Looker could connect
			if _, err := r.refresh(ctx, s); err != nil {
				return err
			}
			said = valueOf(s.registered.FetchErrorMessage)
		}
	}
	if said == "" {
		return nil
	}
	return wait(v1alpha1.HubUnreachable, pollInterval,
		"Looker cannot connect to the hub. Looker reported: %q. Check that Looker's host can resolve and reach %s, and trusts the hub's certificate.",
		lookerclient.Clean(said), s.record.hubURL)
}

// askForHealth returns what Looker says of its connection to the hub; "" if it works.
func (r *Reconciler) askForHealth(ctx context.Context, s *scope) (string, error) {
	health, err := s.looker.Health(ctx, s.record.hubID)
	switch {
	case err != nil:
		return "", err
	case health.Success != nil && !*health.Success:
		return cmp.Or(valueOf(health.Message), "no reason given"), nil
	}
	return "", nil
}

// refresh makes Looker read the hub's integrations again, which it does when a hub is updated. It reports
// whether it did: at most once per interval.
func (r *Reconciler) refresh(ctx context.Context, s *scope) (bool, error) {
	if !s.serves() || !r.repairs.refresh(client.ObjectKeyFromObject(s.registration), interval(s.registration)) {
		return false, nil
	}
	return true, r.writeHub(ctx, s, new(s.record.hubURL), nil)
}

// repairs are the writes that were made because Looker could not use a hub. Remembering them keeps them
// from being repeated at every check; they are lost at a restart.
type repairs struct {
	mu sync.Mutex
	// written are registrations whose token was written again, and is not known to work since.
	written map[types.NamespacedName]bool
	// refreshed is when Looker last read the hub's integrations again.
	refreshed map[types.NamespacedName]time.Time
}

// writeToken reports whether to write the token again.
func (p *repairs) writeToken(key types.NamespacedName) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.written[key] {
		return false
	}
	if p.written == nil {
		p.written = map[types.NamespacedName]bool{}
	}
	p.written[key] = true
	return true
}

// healthy records that Looker can connect.
func (p *repairs) healthy(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.written, key)
}

// refresh reports whether to let Looker read the integrations again.
func (p *repairs) refresh(key types.NamespacedName, interval time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, ok := p.refreshed[key]; ok && time.Since(last) < interval {
		return false
	}
	if p.refreshed == nil {
		p.refreshed = map[types.NamespacedName]time.Time{}
	}
	p.refreshed[key] = time.Now()
	return true
}

// forget drops a registration that is deleted.
func (p *repairs) forget(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.written, key)
	delete(p.refreshed, key)
}
