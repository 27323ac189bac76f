package actiontest

import (
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
// much of it lies about is the collector's choice, and another one on each machine. A test that
// compares it with a bound calls [Serial].
func LiveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
