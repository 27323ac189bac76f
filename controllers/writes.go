package controllers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

const (
	// maxReverts is how often within revertWindow the operator restores an object that something else
	// changes back.
	maxReverts   = 3
	revertWindow = time.Minute
	// contentionPause is how long the operator then leaves the object unchanged.
	contentionPause = 5 * time.Minute
	// maxTrackedObjects bounds the memory for the last writes, of about 300 bytes each.
	maxTrackedObjects = 20_000
)

// writesClient logs each change of an object, with what caused it, and stops fighting over objects
// that something else keeps changing back.
type writesClient struct {
	client.Client

	mu sync.Mutex
	// writes has the last write of each object, by UID.
	writes *lru.Cache
}

// TrackWrites returns a client that logs what it changes. If something else keeps changing an object
// back, the client leaves it unchanged for a while, and returns an error that makes the hub Stalled.
func TrackWrites(c client.Client) client.Client {
	return &writesClient{Client: c, writes: lru.New(maxTrackedObjects)}
}

// write is the last time that the operator changed an object.
type write struct {
	desired [sha256.Size]byte
	version string
	// reverts are the last times that the object was changed back, maxReverts at most.
	reverts []time.Time
}

func (w write) contended(now time.Time) bool {
	n := len(w.reverts)
	return n == maxReverts && w.reverts[n-1].Sub(w.reverts[0]) <= revertWindow && now.Sub(w.reverts[n-1]) < contentionPause
}

// Apply implements [client.Writer].
func (c *writesClient) Apply(ctx context.Context, config runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	desired, target, err := encode(config)
	if err != nil {
		return err
	}
	before := metadataOf(schema.FromAPIVersionAndKind(target.APIVersion, target.Kind))
	key := client.ObjectKey{Namespace: target.Namespace, Name: target.Name}
	if err := c.Get(ctx, key, before); err != nil {
		before = &metav1.PartialObjectMetadata{} // not found, or the error of Apply says more
	}
	if last := c.last(before.UID); last.contended(time.Now()) {
		return contended(target)
	}
	if err := c.Client.Apply(ctx, config, opts...); err != nil {
		return err
	}
	_, after, err := encode(config) // it holds the response
	if err != nil {
		return err
	}
	if c.record(before, after, sha256.Sum256(desired)) {
		verb, why := "updated", "the object, or a setting that it depends on, was changed"
		if before.UID != after.UID { // the cache may still have an object of this name that is deleted
			verb, why = "created", "the object did not exist"
		}
		logWrite(ctx, verb, target, why)
	}
	return nil
}

// Delete implements [client.Writer].
func (c *writesClient) Delete(ctx context.Context, o client.Object, opts ...client.DeleteOption) error {
	if err := c.Client.Delete(ctx, o, opts...); err != nil {
		return err
	}
	target := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: o.GetNamespace(), Name: o.GetName()}}
	target.SetGroupVersionKind(o.GetObjectKind().GroupVersionKind())
	logWrite(ctx, "deleted", target, "the spec does not require the object")
	return nil
}

// encode returns the JSON of an apply configuration, and its metadata.
func encode(config runtime.ApplyConfiguration) ([]byte, *metav1.PartialObjectMetadata, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding an object: %w", err)
	}
	object := &metav1.PartialObjectMetadata{}
	if err := json.Unmarshal(text, object); err != nil {
		return nil, nil, fmt.Errorf("decoding an object's metadata: %w", err)
	}
	return text, object, nil
}

func (c *writesClient) last(uid types.UID) write {
	if w, ok := c.writes.Get(uid); ok {
		return w.(write) //nolint:errcheck,forcetypeassert // record adds nothing else
	}
	return write{}
}

// record reports whether an apply changed the object, and remembers it. The cache may lag behind, so
// that the object's last known version is the cache's or that of the last write.
func (c *writesClient) record(before, after *metav1.PartialObjectMetadata, desired [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last(after.UID)
	known := before.UID == after.UID && version(before) == version(after) && maps.Equal(before.Labels, after.Labels)
	if known || version(after) == last.version {
		return false
	}
	next := write{desired: desired, version: version(after)}
	// The resource version of an object without a generation also changes with its status.
	if last.desired == desired && after.Generation > 0 {
		next.reverts = append(next.reverts, last.reverts[max(0, len(last.reverts)-maxReverts+1):]...)
		next.reverts = append(next.reverts, time.Now())
	}
	c.writes.Add(after.UID, next)
	return true
}

// version identifies the content of an object, as far as the API server counts it.
func version(o *metav1.PartialObjectMetadata) string {
	if o.Generation > 0 {
		return strconv.FormatInt(o.Generation, 10)
	}
	return o.ResourceVersion
}

// contended is returned for an object that something else keeps changing back.
func contended(o *metav1.PartialObjectMetadata) error {
	return &stalledError{
		reason: v1alpha1.FieldsContended,
		message: fmt.Sprintf("Another controller, such as a second operator, keeps reverting %s %s. "+
			"The operator pauses its changes for %s. Let only one of them manage it: set spec.controllerClass, "+
			"or restrict an operator to namespaces.", o.Kind, o.Name, contentionPause),
		requeueAfter: contentionPause,
	}
}

// causeKey is the context's key of what caused a reconcile.
type causeKey struct{}

// withCause returns a context for the reconcile of a hub's generation, after that of an earlier one; 0 if
// there was none. The log of each change names the cause.
func withCause(ctx context.Context, generation, earlier int64) context.Context {
	switch earlier {
	case generation:
		return ctx
	case 0:
		return context.WithValue(ctx, causeKey{}, "the hub was created")
	}
	return context.WithValue(ctx, causeKey{}, fmt.Sprintf("the spec was changed (generation %d)", generation))
}

// logWrite logs a change: what was done, and why.
func logWrite(ctx context.Context, verb string, o *metav1.PartialObjectMetadata, why string) {
	cause, _ := ctx.Value(causeKey{}).(string)
	ctrl.LoggerFrom(ctx).Info(verb, "kind", o.Kind, "object", o.Name, "cause", cmp.Or(cause, why))
}
