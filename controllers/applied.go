package controllers

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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

// appliedObject is a configuration, and the version that its object had once it was applied.
type appliedObject struct{ config, version checksum }

type checksum = [sha256.Size]byte

func configChecksum(config runtime.ApplyConfiguration) (checksum, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return checksum{}, fmt.Errorf("encoding an object: %w", err)
	}
	return sha256.Sum256(text), nil
}

// objectVersion identifies what apply configurations set in an object. A status is not part of it: the
// API server counts changes of a spec in the generation. Objects without a generation, such as Secrets,
// have a new version with every change.
func objectVersion(o *metav1.PartialObjectMetadata) checksum {
	text, err := json.Marshal([]any{o.UID, version(o), o.Labels, o.Annotations, o.OwnerReferences})
	if err != nil {
		panic(err) // strings and references can always be encoded
	}
	return sha256.Sum256(text)
}

// unchanged reports whether a configuration was already applied to this version of a child's object.
func (a *appliedObjects) unchanged(hub types.NamespacedName, c resources.Child, config checksum, existing *metav1.PartialObjectMetadata) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, ok := a.hubs[hub][objectKey{kind: c.Kind.Kind, name: c.Name}]
	return ok && last == appliedObject{config: config, version: objectVersion(existing)}
}

// record remembers that a configuration was applied. The response is in the child's configuration.
func (a *appliedObjects) record(hub types.NamespacedName, c resources.Child, config checksum) error {
	_, after, err := encode(c.Config)
	if err != nil {
		return err
	}
	if _, err := dropUnusedMetadata(after); err != nil { // the cache drops it, too
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hubs == nil {
		a.hubs = map[types.NamespacedName]map[objectKey]appliedObject{}
	}
	if a.hubs[hub] == nil {
		a.hubs[hub] = map[objectKey]appliedObject{}
	}
	a.hubs[hub][objectKey{kind: c.Kind.Kind, name: c.Name}] = appliedObject{config: config, version: objectVersion(after)}
	return nil
}

// has reports whether an object of a kind was applied for a hub.
func (a *appliedObjects) has(hub types.NamespacedName, kind schema.GroupVersionKind) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key := range a.hubs[hub] {
		if key.kind == kind.Kind {
			return true
		}
	}
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
