package amazons3

import (
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/s3store"
	"integrationhub.dev/integrations/internal/objectstore"
)

// Small makes the parts so small that a test can send many, and the waits so short that it
// can fail often. Parts is how many there are of each size. A server whose parts must be equal
// gets the first size only.
func Small(i action.Integration, parts int, sizes ...int) {
	s := i.(*Integration)
	s.MaxBackoff = time.Millisecond
	if len(s.Plan.Stages) == 1 {
		parts, sizes = parts*len(sizes), sizes[:1]
	}
	s.Plan.Stages = nil
	for _, size := range sizes {
		s.Plan.Stages = append(s.Plan.Stages, objectstore.Stage{Size: size, Parts: parts, Buffers: 3})
	}
}

// PartSizes returns the size of every part that an upload can have, and the most memory
// that its buffers take.
func PartSizes() (sizes []int, memory int) {
	for _, s := range s3store.Stages {
		for range s.Parts {
			sizes = append(sizes, s.Size)
		}
		memory = max(memory, s.Size*s.Buffers)
	}
	return sizes, memory
}
