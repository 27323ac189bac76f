package controllers

import (
	"crypto/sha256"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
)

// The cache may lag behind the API server, so it may still have an object that was deleted.
func TestRecordedWrites(t *testing.T) {
	t.Parallel()
	object := func(uid types.UID, generation int64) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{UID: uid, Generation: generation}}
	}
	for _, tt := range []struct {
		name          string
		before, after *metav1.PartialObjectMetadata
		want          bool
	}{
		{name: "nothing changed", before: object("a", 1), after: object("a", 1), want: false},
		{name: "changed", before: object("a", 1), after: object("a", 2), want: true},
		{name: "created", before: object("", 0), after: object("a", 1), want: true},
		{name: "replaced, and the cache has the deleted object", before: object("a", 1), after: object("b", 1), want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &writesClient{writes: lru.New(10)}
			if got := c.record(tt.before, tt.after, [sha256.Size]byte{}); got != tt.want {
				t.Errorf("a change is recorded: %t, want %t", got, tt.want)
			}
			if c.record(tt.after, tt.after, [sha256.Size]byte{}) {
				t.Error("the same version is recorded twice as a change")
			}
		})
	}
}
