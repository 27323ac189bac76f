package amazons3

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Small makes the parts so small that a test can send many, and the waits so short that it
// can fail often. Parts is how many there are of each size.
func Small(i action.Integration, parts int, sizes ...int) {
	s := i.(*Integration)
	s.longestWait = time.Millisecond
	s.stages = nil
	for _, size := range sizes {
		s.stages = append(s.stages, stage{size, parts, 3})
	}
}

// PartSizes returns the size of every part that an upload can have, and the most memory
// that its buffers take.
func PartSizes() (sizes []int, memory int) {
	for _, s := range stages {
		for range s.parts {
			sizes = append(sizes, s.size)
		}
		memory = max(memory, s.size*s.buffers)
	}
	return sizes, memory
}
