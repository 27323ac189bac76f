package conditions

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Write writes the status of changed, a copy of the object before. It fails with a conflict if another version was written
// since, so that a status never describes a version that was not reconciled.
func Write(ctx context.Context, c client.StatusClient, before, changed client.Object, owner client.FieldOwner) error {
	return c.Status().Patch(ctx, changed, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), owner)
}
