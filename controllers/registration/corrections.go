package registration

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

const (
	// maxCorrections is how often in a row the operator changes an integration back that something else
	// changes.
	maxCorrections = 3
	// contentionPause is how long the operator then leaves the integration unchanged.
	contentionPause = time.Hour
)

// corrections has the last times that settings were changed back, so that two operators do not fight over
// them. It is lost at a restart.
type corrections struct {
	mu    sync.Mutex
	times map[correctionKey][]time.Time
	// now is the clock; nil is the system's.
	now func() time.Time
}

type correctionKey struct {
	registration types.NamespacedName
	integration  string
}

// add records that an integration was changed back.
func (c *corrections) add(registration *v1alpha1.LookerRegistration, integration string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[correctionKey][]time.Time{}
	}
	key := correctionKey{client.ObjectKeyFromObject(registration), integration}
	last := c.times[key]
	c.times[key] = append(last[max(0, len(last)-maxCorrections+1):], c.time())
}

// contended reports whether an integration was changed back so often, at nearly every interval, that
// something else must keep changing it.
func (c *corrections) contended(registration *v1alpha1.LookerRegistration, integration string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.times[correctionKey{client.ObjectKeyFromObject(registration), integration}]
	if len(last) < maxCorrections {
		return false
	}
	first, newest := last[0], last[len(last)-1]
	return newest.Sub(first) <= maxCorrections*interval(registration) && c.time().Sub(newest) < contentionPause
}

// forget drops a registration that was deleted.
func (c *corrections) forget(registration types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.times {
		if key.registration == registration {
			delete(c.times, key)
		}
	}
}

func (c *corrections) time() time.Time {
	if c.now != nil {
		return c.now()
	}
	return time.Now()
}
