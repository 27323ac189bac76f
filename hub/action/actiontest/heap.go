package actiontest

import (
	"math"
	"runtime"
	"testing"
)

// Serial fails a test that runs in parallel, or has a parent that does. A test calls it before it
// measures the heap, which is the process's: the memory of tests beside it would count. Serial tests
// run while parallel ones are paused.
func Serial(t testing.TB) {
	t.Helper()
	t.Setenv("ACTIONTEST_SERIAL", "true") // it refuses parallel tests, whose environment is shared too
}

// LiveHeap returns the bytes of the heap that are in use. What is garbage does not count: how
// much of it there is depends on the collector and on the machine. A test that compares it with a bound
// calls [Serial].
//
// What other goroutines allocate while the collector runs counts as in use, and a busy machine makes
// that much. So the least of several collections counts.
func LiveHeap() uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		least = min(least, m.HeapAlloc)
	}
	return least
}
