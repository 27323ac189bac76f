package actiontest

import "runtime"

// LiveHeap returns the bytes of the heap that are in use. What is garbage does not count: how
// much of it lies about is the collector's choice, and another one on each machine.
func LiveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
