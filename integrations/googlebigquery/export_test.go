package googlebigquery

import (
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

// Piece is the smallest size that the pieces of an upload can have.
const Piece = 256 << 10

// Small makes the pieces small, and the waits so short that a test can fail often.
func Small(i action.Integration) {
	b := i.(*Integration)
	b.plan.Stages = []objectstore.Stage{{Size: Piece, Parts: 40, Buffers: 2}}
	b.reads.InitialBackoff, b.reads.MaxBackoff = time.Millisecond, time.Millisecond
	b.writes.InitialBackoff, b.writes.MaxBackoff = time.Millisecond, time.Millisecond
	b.pollInterval = time.Millisecond
}

// Names returns the columns' names for fields, in their order.
func Names(fields ...string) []string {
	taken := map[string]bool{}
	var names []string
	for _, f := range fields {
		names = append(names, uniqueName(f, taken))
	}
	return names
}

// Type returns the type of a column.
func Type(c action.Column) string { return string(typeOf(c)) }

// Convert returns a value in a column of a type, or the end of the sentence about it.
func Convert(kind, text string) (string, error) { return conversions[fieldType(kind)](text) }
