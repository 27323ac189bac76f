package controllers

import (
	"crypto/sha256"
	"encoding/json"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"integrationhub.dev/controllers/resources"
)

// appliedObjects remembers what was applied, so that a reconcile in which nothing changed sends no
// requests. Like the cache of an informer, it is lost at a restart.
type appliedObjects struct {
	mu   sync.Mutex
	hubs map[types.NamespacedName]map[objectKey]appliedObject
}

type objectKey struct{ kind, name string }

// appliedObject is a configuration, and the version of the object to which it was last applied.
type appliedObject struct {
	config          [sha256.Size]byte
	resourceVersion string
}

// unchanged reports whether a child was already applied to this version of its object. If applying it
// had changed the object, the object would have another version.
func (a *appliedObjects) unchanged(hub types.NamespacedName, c resources.Child, resourceVersion string) bool {
	text, err := json.Marshal(c.Config)
	if err != nil || resourceVersion == "" {
		return false
	}
	now := appliedObject{config: sha256.Sum256(text), resourceVersion: resourceVersion}
	key := objectKey{kind: c.Kind.Kind, name: c.Name}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hubs[hub][key] == now {
		return true
	}
	if a.hubs == nil {
		a.hubs = map[types.NamespacedName]map[objectKey]appliedObject{}
	}
	if a.hubs[hub] == nil {
		a.hubs[hub] = map[objectKey]appliedObject{}
	}
	a.hubs[hub][key] = now
	return false
}

// forgetOne drops an object, so that it is applied again.
func (a *appliedObjects) forgetOne(hub types.NamespacedName, c resources.Child) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.hubs[hub], objectKey{kind: c.Kind.Kind, name: c.Name})
}

// forget drops a deleted hub.
func (a *appliedObjects) forget(hub types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.hubs, hub)
}
